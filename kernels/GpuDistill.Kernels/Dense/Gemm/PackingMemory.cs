namespace GpuDistill.Kernels;

/// <summary>
/// Where matrix products pack their operands: one memory for all products of a team of workers, which run one at a time, as
/// large as the largest needs. So a training step packs into memory that is still in the caches, and a network of many layers
/// takes no more than one layer.
/// </summary>
internal sealed unsafe class PackingMemory : IDisposable
{
    private AlignedFloats _left = new(0);
    private AlignedFloats _right = new(0);

    /// <summary>Panels of the left operand, shared by all workers.</summary>
    public float* Left => _left.Pointer;

    /// <summary>Blocks of the right operand, one after another for each worker.</summary>
    public float* Right => _right.Pointer;

    /// <summary>Makes room for a product; not while one runs (<see cref="CpuWorkers.Reserve"/>).</summary>
    public void Reserve(long left, long right)
    {
        _left = Grown(_left, left);
        _right = Grown(_right, right);
    }

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
    }

    private static AlignedFloats Grown(AlignedFloats memory, long count)
    {
        if (memory.Count >= count)
            return memory;
        AlignedFloats grown = new(count); // before the other goes: where there is no room, products that were bound still have theirs
        memory.Dispose();
        return grown;
    }
}
