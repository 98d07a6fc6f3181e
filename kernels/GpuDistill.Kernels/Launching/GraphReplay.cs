using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// Submits the same launches again and again, from the second time on as one graph where the device's driver has such: a step of
/// a small network is a dozen launches of a few microseconds each, which the host could not submit as fast as they run. The first
/// time they are submitted as they are, because code that is loaded on first use cannot be recorded. Where recording fails, or
/// what was recorded does not start, they are submitted one by one for good.
/// </summary>
/// <param name="driver">What records and replays.</param>
internal sealed class GraphReplay(IGraphDriver driver) : IDisposable
{
    private bool _loaded;
    private bool _refused;
    private IDisposable? _graph;

    public bool IsRecorded => _graph is not null;

    /// <summary>Why launches are submitted one by one, where they are for good.</summary>
    public string? Refusal => _refused ? driver.Refusal : null;

    /// <param name="stream">Where the launches go.</param>
    /// <param name="submit">Submits them, in branches where there is a fork.</param>
    public void Run(AcceleratorStream stream, Action<AcceleratorStream, IFork?> submit)
    {
        if (_graph is null && _loaded && !_refused)
        {
            _graph = driver.Record(stream, submit);
            _refused = _graph is null;
        }

        if (_graph is not null && !driver.Launch(_graph, stream))
            Dispose();
        if (_graph is null)
            submit(stream, null);
        _loaded = true;
    }

    public void Dispose()
    {
        _graph?.Dispose();
        _graph = null;
        _refused = true;
    }
}

/// <summary>A device's way to record launches and to submit them as one.</summary>
internal interface IGraphDriver
{
    /// <summary>
    /// Records what <paramref name="submit"/> submits to the stream and to branches of it, without running it; null where that
    /// fails, and then the stream takes launches as before.
    /// </summary>
    IDisposable? Record(AcceleratorStream stream, Action<AcceleratorStream, IFork?> submit);

    /// <summary>Why the last thing failed that did, in words.</summary>
    string? Refusal { get; }

    /// <summary>Submits what was recorded; false where that fails, and then nothing of it runs.</summary>
    bool Launch(IDisposable graph, AcceleratorStream stream);
}

/// <summary>A second branch beside the stream that is recorded.</summary>
internal interface IFork
{
    /// <summary>The branch's stream: what is submitted to it next follows what the recorded stream and the branch have by now.</summary>
    AcceleratorStream Branch();

    /// <summary>What is submitted to the recorded stream next follows all of the branch.</summary>
    void Join();
}
