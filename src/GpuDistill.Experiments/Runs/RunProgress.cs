using System.Diagnostics;

namespace GpuDistill.Experiments;

/// <summary>How far an experiment is, from how far its current run is.</summary>
internal sealed class RunProgress(IReadOnlyList<Run> runs, IProgress<TrainingProgress>? progress) : IProgress<TrainingProgress>
{
    private const long Parts = 10_000;

    private readonly double _all = runs.Sum(run => run.Work);
    private double _over; // work of runs that are over, found ones included
    private double _found;
    private int _number;
    private long _start;
    private Run? _current;

    public void Begin(Run run)
    {
        if (_start == 0)
            _start = Stopwatch.GetTimestamp();
        _current = run;
        progress?.Report(At(_over, run.Title));
    }

    public void Report(TrainingProgress value)
    {
        double share = value.Steps > 0 ? (double)value.Step / value.Steps : 0;
        if (_current is not null)
            progress?.Report(At(_over + (share * _current.Work), _current.Title, value.ImagesPerSecond, value.Loss, value.Accuracy));
    }

    public void End(Run run, RunRecord record, bool found)
    {
        _over += run.Work;
        if (found)
            _found += run.Work;
        TrainingProgress report = At(_over, $"{run.Title}: {run.Describe(record.Measures)}{(found ? " (kept from before)" : "")}");
        progress?.Report(report with { IsEndOfEpoch = true });
        _number++;
        _current = null;
    }

    private TrainingProgress At(
        double work, string title, double speed = double.NaN, double loss = double.NaN, double accuracy = double.NaN)
    {
        double done = work - _found;
        TimeSpan elapsed = _start == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_start);
        return new TrainingProgress(
            title, _number + 1, runs.Count, (long)(Parts * work / _all), Parts, speed, loss, accuracy,
            done > 0 ? elapsed * ((_all - work) / done) : TimeSpan.Zero);
    }
}
