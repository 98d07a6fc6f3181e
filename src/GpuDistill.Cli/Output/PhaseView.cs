using Spectre.Console;
using Spectre.Console.Rendering;

namespace GpuDistill.Cli;

/// <summary>
/// A board as it is drawn: a line per phase; under the one at work a bar and its figures. Lines are cut, never wrapped, so that
/// the height stays and the display does not jump.
/// </summary>
internal sealed class PhaseView(PhaseBoard board) : Renderable
{
    private const int MaxWidth = 100;

    private static readonly Style Strong = new(decoration: Decoration.Bold);
    private static readonly Style Quiet = new(Color.Grey);
    private static readonly Style Good = new(Color.Green);
    private static readonly Style Busy = new(Color.Cyan1);
    private static readonly Style Bad = new(Color.Yellow);

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        int width = Math.Min(maxWidth - 1, MaxWidth);
        Glyphs glyphs = options.Unicode ? Glyphs.Unicode : Glyphs.Ascii;
        int name = board.Phases.Max(phase => phase.Name.Length);
        int detail = board.Phases.Max(phase => phase.Detail.Length);
        bool first = true;
        foreach (Phase phase in board.Phases)
        {
            foreach (List<Segment> line in Lines(phase, glyphs, width, name, detail))
            {
                if (!first)
                    yield return Segment.LineBreak;
                first = false;
                foreach (Segment segment in Segment.Truncate(line, width))
                    yield return segment;
            }
        }
    }

    private static IEnumerable<List<Segment>> Lines(Phase phase, Glyphs glyphs, int width, int name, int detail)
    {
        (string mark, Style style) = phase.State switch
        {
            PhaseState.Done => (glyphs.Done, Good),
            PhaseState.Running => (glyphs.Running, Busy),
            PhaseState.Stopped => (glyphs.Stopped, Bad),
            _ => (glyphs.Waiting, Quiet),
        };
        bool waiting = phase.State == PhaseState.Waiting;
        string right = phase.State switch
        {
            PhaseState.Running when phase.Epochs > 0 => $"{phase.Unit} {phase.Epoch} of {phase.Epochs}",
            PhaseState.Done => Units.Seconds(phase.Elapsed),
            PhaseState.Stopped when phase.Epochs > 0 => $"stopped in {phase.Unit} {phase.Epoch} of {phase.Epochs}",
            PhaseState.Stopped => "stopped",
            PhaseState.Waiting when phase.Epochs > 0 => phase.Extent,
            _ => "",
        };
        string left = $"{phase.Detail.PadRight(detail)}";
        int gap = Math.Max(2, width - 4 - name - 2 - left.Length - right.Length);
        yield return
        [
            new Segment($"  {mark} ", style),
            new Segment(phase.Name.PadRight(name + 2), waiting ? Quiet : Strong),
            new Segment(left, waiting ? Quiet : Style.Plain),
            new Segment(new string(' ', gap)),
            new Segment(right, phase.State == PhaseState.Running ? Style.Plain : phase.State == PhaseState.Stopped ? Bad : Quiet),
        ];
        if (phase.State != PhaseState.Running)
            yield break;
        yield return Bar(phase.Share, glyphs, width);
        string remaining = phase.Progress is { } progress ? $"{Units.Duration(progress.Remaining)} left" : "starting";
        string figures = string.Join("   ", phase.Figures());
        yield return
        [
            new Segment("    "),
            new Segment(figures),
            new Segment(new string(' ', Math.Max(2, width - 4 - figures.Length - remaining.Length))),
            new Segment(remaining, Busy),
        ];
    }

    private static List<Segment> Bar(double share, Glyphs glyphs, int width)
    {
        string percent = Units.Percent(share, 0).PadLeft(7);
        int length = Math.Max(1, width - 4 - percent.Length);
        int filled = (int)Math.Round(Math.Clamp(share, 0, 1) * length);
        return
        [
            new Segment("    "),
            new Segment(new string(glyphs.Filled, filled), Busy),
            new Segment(new string(glyphs.Empty, length - filled), Quiet),
            new Segment(percent),
        ];
    }

    /// <summary>The signs, which differ in shape and not in colour alone.</summary>
    private sealed record Glyphs(string Done, string Running, string Stopped, string Waiting, char Filled, char Empty)
    {
        public static readonly Glyphs Unicode = new("✓", "▸", "■", "·", '━', '─');
        public static readonly Glyphs Ascii = new("+", ">", "!", ".", '#', '-');
    }
}
