using System.Diagnostics;

namespace GpuDistill.PtxDriver;

/// <summary>A mark in a stream.</summary>
/// <param name="hasTime">Whether it keeps the time at which it is reached.</param>
internal sealed class DriverEvent(bool hasTime)
{
    private WorkStream.Ticket? _reached;
    private long _time;

    /// <summary>The recording that it was last recorded in, and the launches there that it follows; or null.</summary>
    public (Capture Capture, GraphNode[] After)? Captured { get; private set; }

    public void Record(WorkStream stream)
    {
        if (stream.Capture is { } capture)
        {
            Captured = (capture, capture.HeadsOf(stream));
            return;
        }

        Captured = null;
        _reached = stream.Submit(() => _time = Stopwatch.GetTimestamp());
    }

    public void Wait(WorkStream stream)
    {
        if (Captured is { } captured)
            captured.Capture.Join(stream, captured.After);
        else if (stream.Capture is { } capture)
            throw capture.Spoil(Result.CaptureIsolation, "a captured stream waits for an event from outside");
        else if (_reached is { IsDone: false } ticket)
            stream.Submit(() => { }, ticket);
    }

    public void Synchronize(DriverContext context)
    {
        ThrowIfCaptured();
        _reached?.Complete();
        context.ThrowIfFaulty();
    }

    public void Query()
    {
        ThrowIfCaptured();
        if (_reached is not { IsDone: false } ticket)
            return;
        ticket.Advance();
        throw new DriverException(Result.NotReady, "not reached");
    }

    public float MillisecondsSince(DriverEvent start)
    {
        if (!hasTime || !start.HasTime || _reached is null || start._reached is null)
            throw new DriverException(Result.InvalidHandle, "the events were not recorded, or made without times");
        if (!_reached.IsDone || !start._reached.IsDone)
            throw new DriverException(Result.NotReady, "not reached");
        return (float)Stopwatch.GetElapsedTime(start._time, _time).TotalMilliseconds;
    }

    private bool HasTime => hasTime;

    private void ThrowIfCaptured()
    {
        if (Captured is not null)
            throw new DriverException(Result.CapturedEvent, "the event was last recorded in a captured stream");
    }
}
