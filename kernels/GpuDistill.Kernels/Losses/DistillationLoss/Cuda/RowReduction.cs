using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// How a team makes one of its threads' parts of a row: in a fixed order, the same bits in every thread. All threads of the group
/// must call it. Two implementations, so that all of the CUDA kernel but its shuffles runs on a device without them.
/// </summary>
internal interface IRowReduction
{
    RowRange Union(RowRange range, RowTeam team);

    RowSums Add(RowSums sums, RowTeam team);
}

/// <summary>
/// Shuffles within a warp (a butterfly: a + b and b + a are the same bits), then shared memory from warp to warp.
/// </summary>
internal readonly struct ShuffledReduction : IRowReduction
{
    // Warps of 2 lanes, the fewest that the CPU accelerator has, in the largest group.
    private const int MaxWarps = RowTeam.MaxGroupSize / 2;

    public RowRange Union(RowRange range, RowTeam team)
    {
        ArrayView<RowRange> scratch = SharedMemory.Allocate<RowRange>(MaxWarps);
        int lanes = team.Size < Warp.WarpSize ? team.Size : Warp.WarpSize;
        for (int mask = lanes / 2; mask > 0; mask /= 2)
        {
            RowRange other = default;
            other.StudentMaximum = Warp.ShuffleXor(range.StudentMaximum, mask);
            other.StudentMinimum = Warp.ShuffleXor(range.StudentMinimum, mask);
            other.TeacherMaximum = Warp.ShuffleXor(range.TeacherMaximum, mask);
            other.TeacherMinimum = Warp.ShuffleXor(range.TeacherMinimum, mask);
            range = RowRange.Union(range, other);
        }

        if (team.Size == lanes)
            return range;
        int warps = team.Size / lanes;
        Group.Barrier(); // the scratch may still be read by the row before
        if (team.Lane % lanes == 0)
            scratch[Group.IdxX / lanes] = range;
        Group.Barrier();
        range = scratch[team.Slot * warps];
        for (int warp = 1; warp < warps; warp++)
            range = RowRange.Union(range, scratch[(team.Slot * warps) + warp]);
        return range;
    }

    public RowSums Add(RowSums sums, RowTeam team)
    {
        ArrayView<RowSums> scratch = SharedMemory.Allocate<RowSums>(MaxWarps);
        int lanes = team.Size < Warp.WarpSize ? team.Size : Warp.WarpSize;
        for (int mask = lanes / 2; mask > 0; mask /= 2)
        {
            RowSums other = default;
            other.Student = Warp.ShuffleXor(sums.Student, mask);
            other.Teacher = Warp.ShuffleXor(sums.Teacher, mask);
            other.Hard = Warp.ShuffleXor(sums.Hard, mask);
            other.Cross = Warp.ShuffleXor(sums.Cross, mask);
            other.Difference = Warp.ShuffleXor(sums.Difference, mask);
            other.Uniform = Warp.ShuffleXor(sums.Uniform, mask);
            other.UniformWeight = Warp.ShuffleXor(sums.UniformWeight, mask);
            other.Earlier = Warp.ShuffleXor(sums.Earlier, mask);
            sums = RowSums.Add(sums, other);
        }

        if (team.Size == lanes)
            return sums;
        int warps = team.Size / lanes;
        Group.Barrier(); // the scratch may still be read by the row before
        if (team.Lane % lanes == 0)
            scratch[Group.IdxX / lanes] = sums;
        Group.Barrier();
        sums = scratch[team.Slot * warps];
        for (int warp = 1; warp < warps; warp++)
            sums = RowSums.Add(sums, scratch[(team.Slot * warps) + warp]);
        return sums;
    }
}

/// <summary>A tree through shared memory, as the portable kernel has it: for OpenCL in tests.</summary>
internal readonly struct TreeReduction : IRowReduction
{
    public RowRange Union(RowRange range, RowTeam team)
    {
        ArrayView<RowRange> scratch = SharedMemory.Allocate<RowRange>(RowTeam.MaxGroupSize);
        Group.Barrier(); // the scratch may still be read by the row before
        scratch[Group.IdxX] = range;
        Group.Barrier();
        for (int half = team.Size / 2; half > 0; half /= 2)
        {
            if (team.Lane < half)
                scratch[Group.IdxX] = RowRange.Union(scratch[Group.IdxX], scratch[Group.IdxX + half]);
            Group.Barrier();
        }

        return scratch[team.Slot * team.Size];
    }

    public RowSums Add(RowSums sums, RowTeam team)
    {
        ArrayView<RowSums> scratch = SharedMemory.Allocate<RowSums>(RowTeam.MaxGroupSize);
        Group.Barrier(); // the scratch may still be read by the row before
        scratch[Group.IdxX] = sums;
        Group.Barrier();
        for (int half = team.Size / 2; half > 0; half /= 2)
        {
            if (team.Lane < half)
                scratch[Group.IdxX] = RowSums.Add(scratch[Group.IdxX], scratch[Group.IdxX + half]);
            Group.Barrier();
        }

        return scratch[team.Slot * team.Size];
    }
}
