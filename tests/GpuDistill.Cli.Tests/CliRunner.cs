using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>Runs the command in this process, from arguments to exit code.</summary>
internal static class CliRunner
{
    public static CliResult Run(params string[] arguments)
    {
        StringWriter output = new();
        StringWriter error = new();
        int code = Application.Run(arguments, new Terminal(output, error), TestContext.Current.CancellationToken);
        return new CliResult(code, output.ToString(), error.ToString());
    }

    /// <summary>Runs what must be refused; returns the line that says why.</summary>
    public static string Refused(params string[] arguments)
    {
        CliResult result = Run(arguments);
        Assert.True(result.Code == ExitCode.BadInput, $"exit code {result.Code}\n{result.Out}\n{result.Error}");
        string line = Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("error: ", line);
        Assert.DoesNotContain("   at ", result.Error);
        return line;
    }

    /// <summary>Runs what must succeed.</summary>
    public static CliResult Succeeds(params string[] arguments)
    {
        CliResult result = Run(arguments);
        Assert.True(result.Code == ExitCode.Done, $"exit code {result.Code}\n{result.Out}\n{result.Error}");
        return result;
    }
}

/// <summary>What a run left behind.</summary>
internal sealed record CliResult(int Code, string Out, string Error);
