using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// A fixed list of launches, run in order: one training step, recorded once and replayed. Runs of neighbouring CPU
/// launches become one submission to the worker team, with a barrier instead of a hand-over between two of them; on a CUDA
/// stream (other than the default one) the launches become a CUDA graph, in which launches that do not need each other
/// (<see cref="ForkedLaunch"/>) are branches.
/// </summary>
public sealed class LaunchSequence : IDisposable
{
    private readonly Launch[] _launches;
    private readonly Segment[] _segments;
    private readonly Action<AcceleratorStream, IFork?> _submit;

    // What CPU workers do is done while a graph is recorded, and is no part of it.
    private readonly bool _recordable;
    private GraphReplay? _replay;
    private bool _disposed;

    /// <summary>Records <paramref name="launches"/> in order. If one of them cannot be bound, those before it are disposed.</summary>
    /// <exception cref="ArgumentException">CPU launches of two kernel contexts are mixed.</exception>
    public LaunchSequence(params IEnumerable<Launch> launches)
    {
        ArgumentNullException.ThrowIfNull(launches);
        Part[] parts = [.. BoundLaunches.All(launches, launch => launch).SelectMany(PartsOf)];
        _launches = [.. parts.Select(part => part.Launch)];
        _segments = Split(parts);
        _recordable = Array.TrueForAll(_segments, segment => segment.Cpu is null);
        _submit = Submit;
    }

    /// <summary>For tests: records and replays by <paramref name="driver"/>.</summary>
    internal LaunchSequence(IGraphDriver driver, params IEnumerable<Launch> launches)
        : this(launches) => _replay = new GraphReplay(driver);

    /// <summary>The launches, in order.</summary>
    public IReadOnlyList<Launch> Launches => _launches;

    /// <summary>Whether runs replay a graph by now.</summary>
    internal bool IsRecorded => _replay?.IsRecorded ?? false;

    /// <summary>Why they do not, in the driver's words, where it was asked.</summary>
    internal string? RecordingRefusal => _replay?.Refusal;

    /// <summary>Submits all launches to <paramref name="stream"/>; allocates nothing of its own.</summary>
    /// <exception cref="ObjectDisposedException">The sequence, or one of its launches, was disposed.</exception>
    public void Run(AcceleratorStream stream)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (Launch launch in _launches)
            launch.ThrowIfDisposed();
        if (_replay is null && _recordable && CudaGraphs.For(stream) is { } graphs)
            _replay = new GraphReplay(graphs);
        if (_replay is null)
            Submit(stream, null);
        else
            _replay.Run(stream, _submit);
    }

    /// <summary>Disposes the launches.</summary>
    public void Dispose()
    {
        _disposed = true;
        _replay?.Dispose();
        foreach (Launch launch in _launches)
            launch.Dispose();
    }

    private void Submit(AcceleratorStream stream, IFork? fork)
    {
        foreach (Segment segment in _segments)
        {
            if (segment.Cpu is { } cpu)
                cpu[0].Workers.Run(cpu);
            else
                segment.Single.Launch.Run(segment.Single.IsAside && fork is not null ? fork.Branch() : stream);
            if (segment.Single.EndsFork)
                fork?.Join();
        }
    }

    private static IEnumerable<Part> PartsOf(Launch launch)
    {
        ArgumentNullException.ThrowIfNull(launch, "launches");
        if (launch is not ForkedLaunch forked)
            return [new Part(launch, IsAside: false, EndsFork: false)];
        // Where nothing stands aside there is nothing to join, and a stream that was not forked is no part of a recording.
        bool forks = forked.Parts.Any(part => part.IsAside);
        return forked.Parts.Select((part, i) => new Part(part.Launch, part.IsAside, EndsFork: forks && i == forked.Parts.Count - 1));
    }

    private static Segment[] Split(Part[] launches)
    {
        List<Segment> segments = [];
        List<CpuLaunch> cpu = [];
        CpuWorkers? workers = null;
        foreach (Part part in launches)
        {
            if (part.Launch is CpuLaunch next)
            {
                workers ??= next.Workers;
                if (workers != next.Workers)
                    throw new ArgumentException("The launches belong to different kernel contexts.", nameof(launches));
                cpu.Add(next);
                continue;
            }

            Flush();
            segments.Add(new Segment(null, part));
        }

        Flush();
        return [.. segments];

        void Flush()
        {
            if (cpu.Count > 0)
                segments.Add(new Segment([.. cpu], default));
            cpu.Clear();
        }
    }

    private readonly record struct Part(Launch Launch, bool IsAside, bool EndsFork);

    private readonly record struct Segment(CpuLaunch[]? Cpu, Part Single);
}
