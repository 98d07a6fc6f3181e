using System.Diagnostics;

namespace GpuDistill;

/// <summary>Says when a progress report is due (a few times a second, and at the end of every epoch) and fills in the times.</summary>
internal sealed class ProgressClock(string phase, int epochs, long rowsPerEpoch, long steps, int batchSize, long firstStep = 0)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly long _start = Stopwatch.GetTimestamp();
    private long _lastReport = Stopwatch.GetTimestamp();

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>
    /// The epoch that the last row of step <paramref name="done"/> - 1 belongs to, from 0. What the last batch takes beyond the
    /// last epoch's end counts with it.
    /// </summary>
    public int EpochOf(long done) => (int)Math.Min(epochs - 1, Math.Max(0, (done * batchSize) - 1) / rowsPerEpoch);

    /// <summary>Where the operation stands once <paramref name="step"/> steps are done.</summary>
    public ProgressPoint After(long step)
    {
        bool endOfEpoch = step == steps || EpochOf(step + 1) != EpochOf(step);
        bool due = endOfEpoch || Stopwatch.GetElapsedTime(_lastReport) >= Interval;
        if (due)
            _lastReport = Stopwatch.GetTimestamp();
        return new ProgressPoint(step, due, endOfEpoch);
    }

    /// <summary>The speed up to a step that is done just now.</summary>
    public double ImagesPerSecond(long step) => (step - firstStep) * batchSize / Math.Max(1e-9, Elapsed.TotalSeconds);

    /// <summary>The report of a point that is reached just now.</summary>
    public TrainingProgress Report(ProgressPoint point, double loss = double.NaN, double accuracy = double.NaN) => new(
        phase,
        EpochOf(point.Step) + 1,
        epochs,
        point.Step,
        steps,
        ImagesPerSecond(point.Step),
        loss,
        accuracy,
        Elapsed * ((double)(steps - point.Step) / Math.Max(1, point.Step - firstStep)))
    {
        IsEndOfEpoch = point.IsEndOfEpoch,
    };
}

/// <summary>A point that a long operation comes through.</summary>
/// <param name="Step">Steps done by then.</param>
/// <param name="IsDue">Whether it is to be reported.</param>
/// <param name="IsEndOfEpoch">Whether an epoch ends with it.</param>
internal readonly record struct ProgressPoint(long Step, bool IsDue = false, bool IsEndOfEpoch = false);
