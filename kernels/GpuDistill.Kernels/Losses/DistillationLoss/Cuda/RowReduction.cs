using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// How a team makes one of its threads' parts of a row: in a fixed order, the same bits in every thread. All threads of the group
/// must call it. One of them without shuffles, so that all else of the CUDA kernels runs on a device without them.
/// </summary>
internal interface IRowReduction
{
    RowRange Union(RowRange range, RowTeam team);

    RowSums Add(RowSums sums, RowTeam team);
}

/// <summary>For teams of at most a warp: shuffles, a butterfly (a + b and b + a are the same bits).</summary>
internal readonly struct WarpReduction : IRowReduction
{
    public RowRange Union(RowRange range, RowTeam team)
    {
        for (int mask = Lanes(team) / 2; mask > 0; mask /= 2)
        {
            RowRange other = default;
            other.StudentMaximum = Warp.ShuffleXor(range.StudentMaximum, mask);
            other.StudentMinimum = Warp.ShuffleXor(range.StudentMinimum, mask);
            other.TeacherMaximum = Warp.ShuffleXor(range.TeacherMaximum, mask);
            other.TeacherMinimum = Warp.ShuffleXor(range.TeacherMinimum, mask);
            range = RowRange.Union(range, other);
        }

        return range;
    }

    public RowSums Add(RowSums sums, RowTeam team)
    {
        for (int mask = Lanes(team) / 2; mask > 0; mask /= 2)
        {
            RowSums other = default;
            other.Student = Warp.ShuffleXor(sums.Student, mask);
            other.Teacher = Warp.ShuffleXor(sums.Teacher, mask);
            other.Hard = Warp.ShuffleXor(sums.Hard, mask);
            other.Cross = Warp.ShuffleXor(sums.Cross, mask);
            other.Difference = Warp.ShuffleXor(sums.Difference, mask);
            other.Uniform = Warp.ShuffleXor(sums.Uniform, mask);
            other.UniformWeight = Warp.ShuffleXor(sums.UniformWeight, mask);
            other.FirstFromEnd = Warp.ShuffleXor(sums.FirstFromEnd, mask);
            sums = RowSums.Add(sums, other);
        }

        return sums;
    }

    /// <summary>The lanes of one warp that a team has.</summary>
    public static int Lanes(RowTeam team) => team.Size < Warp.WarpSize ? team.Size : Warp.WarpSize;
}

/// <summary>The same within each warp, then shared memory from warp to warp.</summary>
internal readonly struct ShuffledReduction : IRowReduction
{
    // Warps of 2 lanes, the fewest that the CPU accelerator has, in the largest group.
    private const int MaxWarps = RowTeam.MaxGroupSize / 2;

    public RowRange Union(RowRange range, RowTeam team)
    {
        ArrayView<RowRange> scratch = SharedMemory.Allocate<RowRange>(MaxWarps);
        WarpReduction warpReduction = default;
        range = warpReduction.Union(range, team);
        int lanes = WarpReduction.Lanes(team);
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
        WarpReduction warpReduction = default;
        sums = warpReduction.Add(sums, team);
        int lanes = WarpReduction.Lanes(team);
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

/// <summary>A tree through shared memory: for the portable kernel, and for OpenCL in tests of the CUDA kernels.</summary>
internal readonly struct TreeReduction : IRowReduction
{
    public RowRange Union(RowRange range, RowTeam team)
    {
        if (team.Size == 1)
            return range;
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
        if (team.Size == 1)
            return sums;
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
