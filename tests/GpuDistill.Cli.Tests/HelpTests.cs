using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>Help explains itself, temperature and weights, and fits a page.</summary>
public class HelpTests
{
    public static TheoryData<string> Commands => ["", "demo", "devices", "train", "logits", "distill", "evaluate", "experiment"];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Explains_temperature_and_weights_in_a_sentence(string command)
    {
        CliResult result = CliRunner.Succeeds(command.Length > 0 ? [command, "--help"] : ["--help"]);
        Assert.Equal("", result.Error);
        string text = string.Join(' ', result.Out.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("Temperature T softens the teacher's probabilities", text);
        Assert.Contains("Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted.", text);
        Assert.Contains("the soft weight is that of learning from them, the hard weight that of learning from the labels", text);
        Assert.All(result.Out.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 110));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Says_what_every_option_does(string command)
    {
        string help = CliRunner.Succeeds(command.Length > 0 ? [command, "--help"] : ["--help"]).Out;
        foreach (string line in help.Split('\n').Where(line => line.StartsWith("  --", StringComparison.Ordinal)))
            Assert.Matches(@"^  --\S+.*\S  +\S", line);
    }

    [Fact]
    public void No_command_shows_what_there_is()
    {
        string help = CliRunner.Succeeds().Out;
        Assert.All(Commands.Select(row => row.Data), command => Assert.Contains($"  {command}", help));
    }

    [Fact]
    public void A_version_is_told() => Assert.Matches(@"^\d+\.\d+\.\d+", CliRunner.Succeeds("--version").Out);
}
