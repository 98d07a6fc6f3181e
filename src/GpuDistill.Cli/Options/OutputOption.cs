using System.CommandLine;

namespace GpuDistill.Cli;

/// <summary>--output DIR, the same for all commands: a directory, made if it is not there, for files of fixed names.</summary>
internal sealed class OutputOption
{
    private readonly Option<string?> _option;
    private readonly string[] _names;

    /// <param name="files">What is written, for the help.</param>
    /// <param name="required">Whether the option must be given.</param>
    /// <param name="names">The files that will be written, whose places must be free for them.</param>
    public OutputOption(string files, bool required, params string[] names)
    {
        _names = names;
        _option = OptionFactory.Text("--output", "DIR", $"Directory, made if it is not there, for {files}.");
        _option.Required = required;
    }

    public OutputOption AddTo(Command command)
    {
        command.Add(_option);
        return this;
    }

    /// <summary>The directory, made and found writable before anything long begins; null if none was asked for.</summary>
    public OutputDirectory? Open(ParseResult parsed) =>
        parsed.GetValue(_option) is { } path ? OutputDirectory.Open(path, _names) : null;
}
