using Spectre.Console;

namespace GpuDistill.Cli;

/// <summary>Standard output and standard error, as text and as Spectre consoles.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error, Func<TextWriter, IAnsiConsole>? console = null)
{
    private readonly Func<TextWriter, IAnsiConsole> _console = console ?? Plain;

    public TextWriter Out { get; } = output;

    public TextWriter Error { get; } = error;

    /// <summary>The process's own streams; Spectre finds out whether they are terminals and what these can do.</summary>
    public static Terminal OfProcess() => new(Console.Out, Console.Error, Detect);

    public IAnsiConsole ConsoleOn(TextWriter writer) => _console(writer);

    private static IAnsiConsole Detect(TextWriter writer)
    {
        bool redirected = writer == Console.Error ? Console.IsErrorRedirected : Console.IsOutputRedirected;
        return redirected ? Plain(writer) : AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
    }

    private static IAnsiConsole Plain(TextWriter writer) => AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = AnsiSupport.No,
        ColorSystem = ColorSystemSupport.NoColors,
        Interactive = InteractionSupport.No,
        Out = new AnsiConsoleOutput(writer),
    });
}
