using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>Device code: how the groups of a launch count each other. All threads of a group take part.</summary>
internal static class GroupCount
{
    /// <summary>Whether all other groups have come here before; then the count is 0 again.</summary>
    public static bool IsLast(ArrayView<int> finished)
    {
        bool last = Arrive(finished, 0, SharedMemory.Allocate<int>(1)) == Grid.DimX - 1;
        if (last && Group.IdxX == 0)
            finished[0] = 0;
        return last;
    }

    /// <summary>A counter's value before 1 is added to it, for the whole group.</summary>
    public static int Next(ArrayView<int> counters, int index, ArrayView<int> shared)
    {
        Group.Barrier(); // the value may still be read
        if (Group.IdxX == 0)
            shared[0] = Atomic.Add(ref counters[index], 1);
        Group.Barrier();
        return shared[0];
    }

    /// <summary>
    /// The same, and what all threads of the groups that arrived before have read and written is done, for all threads of this one.
    /// </summary>
    public static int Arrive(ArrayView<int> counters, int index, ArrayView<int> shared)
    {
        Group.Barrier();
        GroupFence.Pass(Group.IdxX);
        if (Group.IdxX == 0)
            shared[0] = Atomic.Add(ref counters[index], 1);
        GroupFence.Pass(Group.IdxX);
        Group.Barrier();
        return shared[0];
    }
}
