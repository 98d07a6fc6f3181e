using GpuDistill.PtxMachine;

namespace GpuDistill.PtxDriver;

/// <summary>A device's context: its streams, its memory and whether a kernel of it went wrong.</summary>
internal sealed class DriverContext
{
    private readonly List<WorkStream> _streams = [];

    public DriverContext() => DefaultStream = new WorkStream(this, isBlocking: true);

    /// <summary>The one that all blocking streams are ordered with.</summary>
    public WorkStream DefaultStream { get; }

    public IReadOnlyList<WorkStream> Streams => _streams;

    public DriverMemory Memory { get; } = new();

    /// <summary>What a kernel did that a GPU would not survive.</summary>
    public PtxFault? Fault { get; private set; }

    /// <summary>Recordings under way.</summary>
    public List<Capture> Captures { get; } = [];

    public WorkStream AddStream(bool isBlocking)
    {
        WorkStream stream = new(this, isBlocking);
        _streams.Add(stream);
        return stream;
    }

    public void Remove(WorkStream stream)
    {
        stream.Finish();
        _streams.Remove(stream);
    }

    /// <summary>Executes one piece of work; after a fault, nothing any more.</summary>
    public void Execute(Action work)
    {
        if (Fault is not null)
            return;
        try
        {
            work();
        }
        catch (PtxFault fault)
        {
            Fault = fault;
            Console.Error.WriteLine($"PTX driver: {fault.Message}");
        }
    }

    /// <summary>Until all that was submitted is done.</summary>
    public void Finish()
    {
        foreach (WorkStream stream in (WorkStream[])[.. _streams, DefaultStream])
            stream.Finish();
        ThrowIfFaulty();
    }

    public void ThrowIfFaulty()
    {
        if (Fault is not null)
            throw new DriverException(Result.IllegalAddress, Fault.Message);
    }

    /// <summary>Refuses what must not happen on a thread that records, and spoils the recording.</summary>
    public void RefuseWhileCapturing(string what)
    {
        foreach (Capture capture in Captures)
        {
            if (capture.Forbids(Environment.CurrentManagedThreadId))
                throw capture.Spoil(Result.CaptureUnsupported, $"{what} while a stream is captured");
        }
    }

    public void Destroy()
    {
        foreach (WorkStream stream in (WorkStream[])[.. _streams, DefaultStream])
            stream.Finish();
        Memory.FreeAll();
    }
}
