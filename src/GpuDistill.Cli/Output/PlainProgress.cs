using System.Diagnostics;

namespace GpuDistill.Cli;

/// <summary>Progress as lines, for files and pipes: a phase's beginning and end, and between them at most one line per epoch.</summary>
internal sealed class PlainProgress
{
    // An epoch may take an hour or a millisecond: a sign of life in the one case, no flood in the other.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    private readonly TextWriter _writer;
    private PhaseState _state;
    private long _lastLine;

    private PlainProgress(TextWriter writer) => _writer = writer;

    public static void Watch(TextWriter writer, PhaseBoard board, Action work)
    {
        board.Changed = new PlainProgress(writer).Show;
        work();
    }

    private void Show(Phase phase)
    {
        PhaseState before = _state;
        _state = phase.State;
        if (before != PhaseState.Running || phase.State != PhaseState.Running)
        {
            Line(phase.State switch
            {
                PhaseState.Running => phase.Epochs > 0 ? $"{Title(phase)}, {phase.Epochs} {phase.Unit}s" : Title(phase),
                PhaseState.Done => string.Join(", ", [$"{phase.Name}: done in {Units.Seconds(phase.Elapsed)}", .. phase.Figures()]),
                _ => $"{phase.Name}: stopped after {Units.Seconds(phase.Elapsed)}",
            });
            return;
        }

        if (phase.Progress is not { } progress)
            return;
        TimeSpan silence = Stopwatch.GetElapsedTime(_lastLine);
        bool soon = silence < Shortest || (!progress.IsEndOfEpoch && silence < Longest);
        bool result = phase.NamesEpochs && progress.IsEndOfEpoch; // what a run came to is told in any case
        if (!result && (soon || progress.Step == progress.Steps))
            return;
        string done = phase.Epochs > 0 ? $"{phase.Unit} {phase.Epoch} of {phase.Epochs}" : Units.Percent(phase.Share, 0);
        if (phase.NamesEpochs)
            done = $"{done}, {phase.Detail}";
        Line(string.Join(", ", [$"{phase.Name}: {done}", .. phase.Figures(), $"{Units.Duration(progress.Remaining)} left"]));
    }

    private static string Title(Phase phase) => $"{phase.Name}: {phase.Detail}";

    private void Line(string text)
    {
        _writer.WriteLine(text);
        _writer.Flush();
        _lastLine = Stopwatch.GetTimestamp();
    }
}
