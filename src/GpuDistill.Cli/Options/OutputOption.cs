using System.CommandLine;

namespace GpuDistill.Cli;

/// <summary>--output DIR and --overwrite, the same for all commands: a directory, made if it is not there, for files of fixed names.</summary>
internal sealed class OutputOption
{
    private readonly Option<string?> _option;
    private readonly Option<bool>? _overwrite;
    private readonly OutputFiles _files;

    /// <param name="description">What is written, for the help.</param>
    /// <param name="required">Whether the option must be given.</param>
    /// <param name="files">The files that may be written; null for a directory that runs share and go on in.</param>
    public OutputOption(string description, bool required, OutputFiles? files)
    {
        _files = files ?? new OutputFiles();
        _option = OptionFactory.Text("--output", "DIR", $"Directory, made if it is not there, for {description}.");
        _option.Required = required;
        if (files is not null)
            _overwrite = new("--overwrite") { Description = "Replace what an earlier run left in the --output directory, which is refused otherwise." };
    }

    public OutputOption AddTo(Command command)
    {
        command.Add(_option);
        if (_overwrite is not null)
            command.Add(_overwrite);
        return this;
    }

    /// <summary>The directory, made and found writable before anything long begins; null if none was asked for.</summary>
    public OutputDirectory? Open(ParseResult parsed, params IEnumerable<InputFile> inputs)
    {
        bool overwrite = _overwrite is not null && parsed.GetValue(_overwrite);
        if (parsed.GetValue(_option) is { } path)
            return OutputDirectory.Open(path, _files, overwrite, inputs);
        if (_overwrite is not null)
            parsed.RefuseWithout("--output", _overwrite);
        return null;
    }
}
