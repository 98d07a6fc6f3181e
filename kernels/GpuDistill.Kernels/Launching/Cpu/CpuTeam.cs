namespace GpuDistill.Kernels;

/// <summary>One worker's view of the team that runs a <see cref="CpuLaunch"/>.</summary>
internal readonly struct CpuTeam(CpuWorkers workers, int index, int count)
{
    /// <summary>This worker's number, 0 to <see cref="Count"/> - 1.</summary>
    public int Index => index;

    /// <summary>The number of workers.</summary>
    public int Count => count;

    /// <summary>Waits until every worker has arrived; what they wrote before is visible after.</summary>
    public void Barrier()
    {
        if (count > 1)
            workers.Barrier();
    }

    /// <summary>
    /// This worker's part of [0, <paramref name="length"/>), cut at multiples of <paramref name="grain"/>. Contiguous, so
    /// that a worker sees the same rows in every launch of a step and finds them in its cache.
    /// </summary>
    public (long Start, long End) Part(long length, long grain = 1)
    {
        long grains = (length + grain - 1) / grain;
        return (Math.Min(length, grains * index / count * grain), Math.Min(length, grains * (index + 1) / count * grain));
    }
}
