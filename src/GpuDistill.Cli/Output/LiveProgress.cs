using Spectre.Console;

namespace GpuDistill.Cli;

/// <summary>Progress on a terminal, redrawn in place.</summary>
internal static class LiveProgress
{
    public static void Watch(IAnsiConsole console, PhaseBoard board, Action work)
    {
        // A live display never gets lower again and would leave blank lines where the bar was: cleared, and written once more.
        PhaseView view = new(board);
        LiveDisplay display = new(console, view) { Overflow = VerticalOverflow.Crop, AutoClear = true };
        console.WriteLine();
        try
        {
            display.Start(context =>
            {
                board.Changed = _ => context.Refresh();
                work();
            });
        }
        finally
        {
            board.Changed = _ => { };
            console.Write(view);
            console.WriteLine();
        }
    }
}
