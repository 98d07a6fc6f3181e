using Spectre.Console;
using Spectre.Console.Rendering;

namespace GpuDistill.Cli;

/// <summary>
/// Where a command's words go: to standard output; with --json the result alone goes there, and everything else to standard
/// error.
/// </summary>
internal sealed class CommandOutput
{
    private readonly Terminal _terminal;
    private readonly TextWriter _messages;
    private readonly IAnsiConsole _console;

    public CommandOutput(Terminal terminal, bool json)
    {
        _terminal = terminal;
        Json = json;
        _messages = json ? terminal.Error : terminal.Out;
        _console = terminal.ConsoleOn(_messages);
    }

    /// <summary>Whether the result is asked for as JSON.</summary>
    public bool Json { get; }

    /// <summary>A line of information, as it stands: never wrapped, so that it can be searched and copied.</summary>
    public void Say(string line) => _messages.WriteLine(line);

    /// <summary>A line on standard error.</summary>
    public void Warn(string line) => _terminal.Error.WriteLine(line);

    /// <summary>A sentence on standard error that whoever reads the result should know, wrapped between words on a terminal.</summary>
    public void Caution(string sentence)
    {
        IAnsiConsole console = _terminal.ConsoleOn(_terminal.Error);
        if (console.Profile.Out.IsTerminal)
            console.Write(new Text($"warning: {sentence}\n"));
        else
            Warn($"warning: {sentence}");
    }

    /// <summary>A table or the like for a person; nothing with --json.</summary>
    public void Show(IRenderable renderable)
    {
        if (!Json)
            _console.Write(renderable);
    }

    /// <summary>A line of the result for a person; nothing with --json.</summary>
    public void Tell(string line)
    {
        if (!Json)
            _messages.WriteLine(line);
    }

    /// <summary>A sentence of the result, wrapped between words on a terminal; nothing with --json.</summary>
    public void Conclude(string sentence)
    {
        if (_console.Profile.Out.IsTerminal)
            Show(new Text(sentence + "\n"));
        else
            Tell(sentence);
    }

    /// <summary>The result for a program, alone on standard output; nothing without --json.</summary>
    public void Result<T>(T result)
    {
        if (Json)
            _terminal.Out.Write(JsonText.Of(result));
    }

    /// <summary>Does work whose progress is shown: live on a terminal, else as lines.</summary>
    public void Watch(PhaseBoard board, Action work)
    {
        if (_console.Profile is { Out.IsTerminal: true, Capabilities: { Ansi: true, Interactive: true } })
            LiveProgress.Watch(_console, board, work);
        else
            PlainProgress.Watch(_messages, board, work);
    }
}
