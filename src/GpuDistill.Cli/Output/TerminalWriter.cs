using System.Text;

namespace GpuDistill.Cli;

/// <summary>
/// A terminal that may go away: a closed window, a lost connection. Writing to it then fails, which must not end a training whose
/// checkpoint is still to be written. What is written to files and pipes is another matter, and not written through this.
/// </summary>
internal sealed class TerminalWriter(TextWriter terminal) : TextWriter
{
    private bool _gone;

    public override Encoding Encoding => terminal.Encoding;

    /// <summary>Puts it in place of the process's own streams where these are terminals.</summary>
    public static void Install()
    {
        if (!Console.IsOutputRedirected)
            Console.SetOut(new TerminalWriter(Console.Out));
        if (!Console.IsErrorRedirected)
            Console.SetError(new TerminalWriter(Console.Error));
    }

    public override void Write(char value) => Try(() => terminal.Write(value));

    public override void Write(string? value) => Try(() => terminal.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => terminal.Write(buffer, index, count));

    public override void Flush() => Try(terminal.Flush);

    private void Try(Action write)
    {
        if (_gone)
            return;
        try
        {
            write();
        }
        catch (IOException)
        {
            _gone = true;
        }
    }
}
