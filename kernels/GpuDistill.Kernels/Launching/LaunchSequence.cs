using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// A fixed list of launches, run in order: one training step, recorded once and replayed. Runs of neighbouring CPU
/// launches become one submission to the worker team, with a barrier instead of a hand-over between two of them.
/// </summary>
public sealed class LaunchSequence : IDisposable
{
    private readonly Launch[] _launches;
    private readonly Segment[] _segments;
    private bool _disposed;

    /// <summary>Records <paramref name="launches"/> in order.</summary>
    /// <exception cref="ArgumentException">CPU launches of two kernel contexts are mixed.</exception>
    public LaunchSequence(params IEnumerable<Launch> launches)
    {
        _launches = [.. launches];
        _segments = Split(_launches);
    }

    /// <summary>The launches, in order.</summary>
    public IReadOnlyList<Launch> Launches => _launches;

    /// <summary>Submits all launches to <paramref name="stream"/>; allocates nothing of its own.</summary>
    /// <exception cref="ObjectDisposedException">The sequence, or one of its launches, was disposed.</exception>
    public void Run(AcceleratorStream stream)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (Launch launch in _launches)
            launch.ThrowIfDisposed();
        foreach (Segment segment in _segments)
        {
            if (segment.Cpu is { } cpu)
                cpu[0].Workers.Run(cpu);
            else
                segment.Single!.Run(stream);
        }
    }

    /// <summary>Disposes the launches.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (Launch launch in _launches)
            launch.Dispose();
    }

    private static Segment[] Split(Launch[] launches)
    {
        List<Segment> segments = [];
        List<CpuLaunch> cpu = [];
        CpuWorkers? workers = null;
        foreach (Launch launch in launches)
        {
            ArgumentNullException.ThrowIfNull(launch, nameof(launches));
            if (launch is CpuLaunch next)
            {
                workers ??= next.Workers;
                if (workers != next.Workers)
                    throw new ArgumentException("The launches belong to different kernel contexts.", nameof(launches));
                cpu.Add(next);
                continue;
            }

            Flush();
            segments.Add(new Segment(null, launch));
        }

        Flush();
        return [.. segments];

        void Flush()
        {
            if (cpu.Count > 0)
                segments.Add(new Segment([.. cpu], null));
            cpu.Clear();
        }
    }

    private readonly record struct Segment(CpuLaunch[]? Cpu, Launch? Single);
}
