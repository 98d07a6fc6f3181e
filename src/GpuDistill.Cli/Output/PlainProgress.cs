using System.Diagnostics;

namespace GpuDistill.Cli;

/// <summary>Progress as lines, for files and pipes: a phase's beginning and end, and between them at most one line per epoch.</summary>
internal sealed class PlainProgress
{
    // An epoch may take an hour or a millisecond: a sign of life in the one case, no flood in the other.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    private readonly TextWriter _writer;
    private readonly Func<TimeSpan> _clock;
    private PhaseState _state;
    private TimeSpan _lastLine;
    private int _lastEpoch; // an epoch has a line of its own once; another one is for silence

    private PlainProgress(TextWriter writer, Func<TimeSpan> clock) => (_writer, _clock) = (writer, clock);

    /// <param name="writer">Takes the lines.</param>
    /// <param name="board">What to tell of.</param>
    /// <param name="work">What makes it change.</param>
    /// <param name="clock">The time that has passed; null takes the machine's.</param>
    public static void Watch(TextWriter writer, PhaseBoard board, Action work, Func<TimeSpan>? clock = null)
    {
        long start = Stopwatch.GetTimestamp();
        board.Changed = new PlainProgress(writer, clock ?? (() => Stopwatch.GetElapsedTime(start))).Show;
        work();
    }

    private void Show(Phase phase)
    {
        PhaseState before = _state;
        _state = phase.State;
        if (before != PhaseState.Running || phase.State != PhaseState.Running)
        {
            _lastEpoch = 0;
            Line(phase.State switch
            {
                PhaseState.Running => phase.Epochs > 0 ? $"{Title(phase)}, {phase.Extent}" : Title(phase),
                PhaseState.Done => string.Join(", ", [$"{phase.Name}: done in {Units.Seconds(phase.Elapsed)}", .. phase.Figures()]),
                _ => $"{phase.Name}: stopped after {Units.Seconds(phase.Elapsed)}",
            });
            return;
        }

        if (phase.Progress is not { } progress)
            return;
        TimeSpan silence = _clock() - _lastLine;
        bool soon = silence < (phase.Epoch == _lastEpoch ? 2 * Longest : progress.IsEndOfEpoch ? Shortest : Longest);
        bool result = phase.NamesEpochs && progress.IsEndOfEpoch; // what a run came to is told in any case
        if (!result && (soon || progress.Step == progress.Steps))
            return;
        _lastEpoch = phase.Epoch;
        string share = Units.Percent(phase.Share, 0);
        string epoch = $"{phase.Unit} {phase.Epoch} of {phase.Epochs}";
        string done = phase.NamesEpochs ? $"{epoch}, {phase.Detail}" : phase.Epochs > 0 ? $"{epoch} ({share})" : share;
        Line(string.Join(", ", [$"{phase.Name}: {done}", .. phase.Figures(), $"{Units.Duration(progress.Remaining)} left"]));
    }

    private static string Title(Phase phase) => $"{phase.Name}: {phase.Detail}";

    private void Line(string text)
    {
        _writer.WriteLine(text);
        _writer.Flush();
        _lastLine = _clock();
    }
}
