using System.Text.Json;
using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>gpudistill experiment, on a few hundred images.</summary>
public sealed class ExperimentTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public ExperimentTests() => TinyMnist.Write(_directory["data"]);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Help_lists_the_experiments_with_a_sentence_each()
    {
        string help = CliRunner.Succeeds("experiment", "--help").Out;
        foreach (string name in (string[])[
            "mnist-table", "temperature-sweep", "omitted-digit", "two-digits", "small-transfer", "labels", "logit-matching", "ensemble", "all"])
        {
            Assert.Matches($@"\b{name}: \S+ \S+", help);
        }
    }

    [Fact]
    public void Interrupted_it_says_what_is_kept_and_goes_on_to_a_report()
    {
        CliResult stopped = CliRunner.StoppedAt("run 2 of 3", Arguments());
        Assert.Equal(ExitCode.Interrupted, stopped.Code);
        Assert.Contains($"of 3 runs; they are kept in {_directory["out/runs"]}", stopped.Error);
        Assert.Contains(" experiment mnist-table --quick --seeds 1", stopped.Error);
        Assert.Equal(2, Directory.GetFiles(_directory["out/runs"], "*.json").Length);
        Assert.False(File.Exists(_directory["out/report.html"]));

        CliResult result = CliRunner.Succeeds(Arguments("--json"));
        Assert.Contains("mnist-table: done in", result.Error);
        JsonElement metrics = JsonDocument.Parse(result.Out).RootElement;
        Assert.Equal(result.Out, File.ReadAllText(_directory["out/metrics.json"]));
        Assert.Equal("gpudistill experiment mnist-table --quick --seeds 1 --device cpu --output DIR", metrics.GetProperty("command").GetString());
        Assert.True(metrics.GetProperty("quick").GetBoolean());
        Assert.Equal(3, metrics.GetProperty("runs").EnumerateObject().Count());
        Assert.Contains("Quick run.", File.ReadAllText(_directory["out/report.html"]));
        Assert.True(File.Exists(_directory["out/plots/mnist-table-errors.svg"]));

        string again = CliRunner.Succeeds(Arguments()).Out;
        Assert.Contains("Written: ", again);
        Assert.Contains("The distilled student makes", again);
        Assert.DoesNotContain('\u001b', again);
    }

    private string[] Arguments(params string[] more) =>
    [
        "experiment", "mnist-table", "--quick", "--seeds", "1", "--data", _directory["data"], "--device", "cpu", "--output", _directory["out"], .. more,
    ];
}
