using System.Diagnostics;
using GpuDistill.Kernels;

namespace GpuDistill;

/// <summary>
/// Lets the host submit steps ahead of the device, and no further than it should: after a period of steps a value is read back
/// without waiting for it, and once two of these are under way the host waits for the older. So the device always has a period
/// to work on while the host submits the next, no step waits for the host, and at most two periods are between what was
/// submitted and what is known to be done. A period has as many steps as the device does in some hundredths of a second, at
/// least one.
/// </summary>
/// <typeparam name="T">What is read back.</typeparam>
internal sealed class RunAhead<T> : IDisposable
    where T : unmanaged
{
    private const int MostUnderWay = 2;

    // Enough for a device of microseconds per step, few enough for the queue of a driver.
    private const int MostStepsPerPeriod = 256;

    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(40);

    private readonly Queue<Readback<T>> _free = new(MostUnderWay);
    private readonly Queue<(Readback<T> Readback, ProgressPoint Point, bool IsWholePeriod)> _underWay = new(MostUnderWay);
    private Action<T, ProgressPoint> _arrived = (_, _) => { };
    private int _stepsPerPeriod = 1;
    private int _steps;
    private long _lastArrival;

    /// <param name="create">Makes a readback of the value.</param>
    public RunAhead(Func<Readback<T>> create)
    {
        try
        {
            while (_free.Count < MostUnderWay)
                _free.Enqueue(create());
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Begins a run; what was under way of one that ended with an exception is waited for and forgotten.</summary>
    /// <param name="arrived">Told each value, in order, with the point of the run that it belongs to.</param>
    public void Start(Action<T, ProgressPoint> arrived)
    {
        while (_underWay.TryDequeue(out (Readback<T> Readback, ProgressPoint, bool) next))
        {
            _free.Enqueue(next.Readback);
            _ = next.Readback.Take();
        }

        _arrived = arrived;
        _steps = 0;
        _lastArrival = Stopwatch.GetTimestamp();
    }

    /// <summary>To be called after each step: reads the value back if the period is over or the point is due.</summary>
    public void Stepped(ProgressPoint point)
    {
        _steps++;
        if (!point.IsDue && _steps < _stepsPerPeriod)
            return;
        Begin(point);
        while (_underWay.Count == MostUnderWay || (_underWay.TryPeek(out (Readback<T> Readback, ProgressPoint, bool) next) && next.Readback.HasArrived))
            Arrive();
    }

    /// <summary>Waits for all that is under way, steps after the last readback included.</summary>
    /// <param name="point">Where the run stands.</param>
    public void Finish(ProgressPoint point)
    {
        if (_steps > 0)
            Begin(point);
        while (_underWay.Count > 0)
            Arrive();
    }

    public void Dispose()
    {
        foreach (Readback<T> readback in _free.Concat(_underWay.Select(next => next.Readback)))
            readback.Dispose();
        _free.Clear();
        _underWay.Clear();
    }

    private void Begin(ProgressPoint point)
    {
        Readback<T> readback = _free.Dequeue();
        _underWay.Enqueue((readback, point, _steps == _stepsPerPeriod));
        readback.Begin();
        _steps = 0;
    }

    private void Arrive()
    {
        (Readback<T> readback, ProgressPoint point, bool isWholePeriod) = _underWay.Dequeue();
        _free.Enqueue(readback);
        T value = readback.Take();
        long now = Stopwatch.GetTimestamp();
        TimeSpan time = Stopwatch.GetElapsedTime(_lastArrival, now);
        _lastArrival = now;
        if (isWholePeriod && time < Short)
            _stepsPerPeriod = Math.Min(MostStepsPerPeriod, 2 * _stepsPerPeriod);
        else if (isWholePeriod && time > Long)
            _stepsPerPeriod = Math.Max(1, _stepsPerPeriod / 2);
        _arrived(value, point);
    }
}
