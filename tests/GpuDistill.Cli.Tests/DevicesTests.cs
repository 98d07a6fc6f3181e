using System.Text.Json;
using Xunit;

namespace GpuDistill.Cli.Tests;

public class DevicesTests
{
    [Fact]
    public void Lists_the_cpu_and_says_what_is_taken_and_why()
    {
        CliResult result = CliRunner.Succeeds("devices", "--device", "CPU", "--threads", "1");
        Assert.Contains("cpu", result.Out);
        Assert.Contains("was asked for by name", result.Out);
        Assert.Contains(", on 1 worker thread.", result.Out);
        Assert.Contains("Matrix products: exact.", result.Out);
        Assert.Contains("portable", result.Out); // as --variant takes it
        Assert.DoesNotContain('\u001b', result.Out);
        Assert.Equal("", result.Error);
    }

    [Fact]
    public void What_there_are_no_tensor_cores_for_is_told()
    {
        CliResult result = CliRunner.Succeeds("devices", "--device", "cpu", "--precision", "BF16");
        Assert.Contains("Matrix products: bf16, without tensor cores: slower than exact.", result.Out);
    }

    [Fact]
    public void The_cpu_has_a_number_too_and_what_was_written_is_told()
    {
        using TemporaryDirectory directory = new();
        string output = CliRunner.Succeeds("devices", "--device", "cpu:0", "--output", directory["one"]).Out;
        Assert.Contains($"Written: {directory["one/devices.json"]}", output);
    }

    [Fact]
    public void As_json_it_stands_alone_on_standard_output_and_in_the_file()
    {
        using TemporaryDirectory directory = new();
        CliResult result = CliRunner.Succeeds("devices", "--device", "cpu", "--variant", "simd128", "--threads", "3", "--json", "--output", directory["new/one"]);
        JsonElement root = JsonDocument.Parse(result.Out).RootElement;
        Assert.Equal("cpu", root.GetProperty("taken").GetString());
        Assert.Equal("simd128", root.GetProperty("variant").GetString());
        Assert.Equal("exact", root.GetProperty("precision").GetString());
        Assert.Equal(3, root.GetProperty("threads").GetInt32());
        Assert.Contains(root.GetProperty("devices").EnumerateArray(), device => device.GetProperty("kind").GetString() == "cpu");
        Assert.Equal(result.Out, File.ReadAllText(directory["new/one/devices.json"]));
    }
}
