using System.CommandLine;
using System.CommandLine.Help;

namespace GpuDistill.Cli;

/// <summary>How a result was made: the command's options with the values that held, given or not, by their names on the command line.</summary>
internal static class OptionValues
{
    // Where results go and in what form decides nothing; a resumed run is the same training.
    private static readonly string[] WithoutEffect = ["--output", "--overwrite", "--json", "--resume", "--checkpoint-minutes"];

    private static readonly string[] Paths = ["--data", "--teacher", "--logits"];

    /// <param name="parsed">The command line.</param>
    /// <param name="settled">Values of options that were left out and follow from others.</param>
    public static SortedDictionary<string, object> Of(ParseResult parsed, IReadOnlyDictionary<string, object> settled)
    {
        SortedDictionary<string, object> values = new(StringComparer.Ordinal);
        foreach (Option option in parsed.CommandResult.Command.Options)
        {
            if (option is HelpOption || WithoutEffect.Contains(option.Name))
                continue;
            object? value = parsed.GetResult(option)?.GetValueOrDefault<object>() ?? settled.GetValueOrDefault(option.Name);
            if (value is not null)
                values[option.Name[2..]] = Paths.Contains(option.Name) ? Absolute(value) : value;
        }

        return values;
    }

    private static object Absolute(object value) => value switch
    {
        string path => Path.GetFullPath(path),
        IEnumerable<string> paths => paths.Select(Path.GetFullPath).ToArray(),
        _ => value,
    };
}
