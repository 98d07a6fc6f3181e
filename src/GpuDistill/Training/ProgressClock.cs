using System.Diagnostics;

namespace GpuDistill;

/// <summary>Says when a progress report is due (a few times a second, and at the end of every epoch) and fills in the times.</summary>
internal sealed class ProgressClock(string phase, int epochs, long rowsPerEpoch, long steps, int batchSize, long firstStep = 0)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly long _start = Stopwatch.GetTimestamp();
    private long _lastReport = Stopwatch.GetTimestamp();
    private long _done;
    private bool _endOfEpoch;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>
    /// The epoch that the last row of step <paramref name="done"/> - 1 belongs to, from 0. What the last batch takes beyond the
    /// last epoch's end counts with it.
    /// </summary>
    public int EpochOf(long done) => (int)Math.Min(epochs - 1, Math.Max(0, (done * batchSize) - 1) / rowsPerEpoch);

    /// <summary>Whether a report is due after <paramref name="done"/> steps.</summary>
    public bool IsDue(long done)
    {
        _done = done - firstStep;
        _endOfEpoch = done == steps || EpochOf(done + 1) != EpochOf(done);
        if (!_endOfEpoch && Stopwatch.GetElapsedTime(_lastReport) < Interval)
            return false;
        _lastReport = Stopwatch.GetTimestamp();
        return true;
    }

    public bool IsEndOfEpoch => _endOfEpoch;

    public double ImagesPerSecond => _done * batchSize / Math.Max(1e-9, Elapsed.TotalSeconds);

    public TrainingProgress Report(double loss = double.NaN, double accuracy = double.NaN)
    {
        long step = firstStep + _done;
        return new TrainingProgress(
            phase,
            EpochOf(step) + 1,
            epochs,
            step,
            steps,
            ImagesPerSecond,
            loss,
            accuracy,
            Elapsed * ((double)(steps - step) / Math.Max(1, _done)))
        {
            IsEndOfEpoch = _endOfEpoch,
        };
    }
}
