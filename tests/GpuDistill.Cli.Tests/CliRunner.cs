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

    /// <summary>Interrupts a run once it has written a line with these words.</summary>
    public static CliResult StoppedAt(string words, params string[] arguments)
    {
        using CancellationTokenSource source = new();
        WatchedWriter output = new(words, source.Cancel);
        StringWriter error = new();
        int code = Application.Run(arguments, new Terminal(output, error), source.Token);
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

    private sealed class WatchedWriter(string words, Action found) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.Contains(words, StringComparison.Ordinal) == true)
                found();
        }
    }
}

/// <summary>What a run left behind.</summary>
internal sealed record CliResult(int Code, string Out, string Error);
