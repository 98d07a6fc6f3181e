namespace GpuDistill.Cli;

/// <summary>What every command has: where it writes, what it was called with, and when to stop.</summary>
internal sealed record Session(Terminal Terminal, IReadOnlyList<string> Arguments, CancellationToken Cancellation)
{
    /// <summary>The command line as it was given, and can be given again.</summary>
    public string CommandLine => string.Join(' ', [.. Invocation.OfProcess().Concat(Arguments).Select(Quoted)]);

    /// <summary>The command line that goes on from a checkpoint.</summary>
    public string ResumeCommand(string checkpoint)
    {
        List<string> words = [.. Invocation.OfProcess().Select(Quoted)];
        for (int i = 0; i < Arguments.Count; i++)
        {
            if (Arguments[i] == "--resume")
                i++;
            else if (!Arguments[i].StartsWith("--resume=", StringComparison.Ordinal))
                words.Add(Quoted(Arguments[i]));
        }

        return string.Join(' ', [.. words, "--resume", Quoted(checkpoint)]);
    }

    private static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=,\\".Contains(c, StringComparison.Ordinal))
            ? word
            : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
