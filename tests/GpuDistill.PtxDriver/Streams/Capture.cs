namespace GpuDistill.PtxDriver;

/// <summary>One launch of a graph, and those that it follows.</summary>
internal sealed record GraphNode(Action Work, GraphNode[] After);

/// <summary>A stream that is recorded, with the streams that were made branches of it ("Stream Management", cuStreamBeginCapture).</summary>
/// <param name="origin">The stream in which it began.</param>
/// <param name="mode">Whose other calls it forbids.</param>
/// <param name="thread">The thread that began it.</param>
internal sealed class Capture(WorkStream origin, Capture.Mode mode, int thread)
{
    private readonly Dictionary<WorkStream, GraphNode[]> _heads = new() { [origin] = [] };
    private readonly List<GraphNode> _nodes = [];
    private bool _isSpoilt;

    internal enum Mode
    {
        Global = 0,
        ThreadLocal = 1,
        Relaxed = 2,
    }

    public static Capture Begin(WorkStream stream, Mode mode)
    {
        if (stream == stream.Context.DefaultStream)
            throw new DriverException(Result.CaptureUnsupported, "the default stream cannot be captured");
        if (stream.Capture is not null)
            throw new DriverException(Result.IllegalState, "the stream is captured already");
        stream.Capture = new Capture(stream, mode, Environment.CurrentManagedThreadId);
        stream.Context.Captures.Add(stream.Capture);
        return stream.Capture;
    }

    /// <summary>Whether a thread may make no call that could wait, or allocate.</summary>
    public bool Forbids(int caller) => mode == Mode.Global || (mode == Mode.ThreadLocal && caller == thread);

    /// <summary>Whether what is submitted to the default stream would have to follow the recording.</summary>
    public bool HasBlockingStreams => _heads.Keys.Any(stream => stream.IsBlocking);

    public void Add(WorkStream stream, Action work)
    {
        if (_isSpoilt)
            throw new DriverException(Result.CaptureInvalidated, "the recording was spoilt before");
        GraphNode node = new(work, _heads[stream]);
        _nodes.Add(node);
        _heads[stream] = [node];
    }

    /// <summary>What is recorded next in a stream follows these.</summary>
    public GraphNode[] HeadsOf(WorkStream stream) => _heads[stream];

    /// <summary>Makes a stream follow launches of this recording, and part of it if it was not.</summary>
    public void Join(WorkStream stream, GraphNode[] after)
    {
        if (!origin.Context.Captures.Contains(this))
            throw new DriverException(Result.CapturedEvent, "the event is of a recording that has ended");
        if (stream.Capture is { } other && other != this)
            throw Spoil(Result.CaptureMerge, "two recordings would become one");
        stream.Capture = this;
        _heads[stream] = [.. _heads.GetValueOrDefault(stream, []).Union(after)];
    }

    /// <summary>Makes the recording useless; returns what to throw.</summary>
    public DriverException Spoil(Result result, string why)
    {
        _isSpoilt = true;
        return new DriverException(result, why);
    }

    /// <summary>Ends the recording, whatever has become of it.</summary>
    public Graph End(WorkStream stream)
    {
        if (stream != origin)
            throw Spoil(Result.CaptureUnmatched, "the recording began in another stream");
        if (mode != Mode.Relaxed && Environment.CurrentManagedThreadId != thread)
            throw Spoil(Result.CaptureWrongThread, "the recording began on another thread");
        foreach (WorkStream part in _heads.Keys)
            part.Capture = null;
        origin.Context.Captures.Remove(this);
        if (_isSpoilt)
            throw new DriverException(Result.CaptureInvalidated, "the recording was spoilt");
        HashSet<GraphNode> joined = new(ReferenceEqualityComparer.Instance);
        Stack<GraphNode> open = new(_heads[origin]);
        while (open.TryPop(out GraphNode? node))
        {
            if (joined.Add(node))
                Array.ForEach(node.After, open.Push);
        }

        return joined.Count == _nodes.Count
            ? new Graph(_nodes)
            : throw new DriverException(Result.CaptureUnjoined, "a branch was not joined to the stream that began");
    }
}
