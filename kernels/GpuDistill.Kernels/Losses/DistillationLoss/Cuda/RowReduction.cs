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
        for (int mask = team.Lanes / 2; mask > 0; mask /= 2)
        {
            RowRange other = default;
            other.StudentMaximum = SubGroup.Exchange(range.StudentMaximum, mask);
            other.StudentMinimum = SubGroup.Exchange(range.StudentMinimum, mask);
            other.TeacherMaximum = SubGroup.Exchange(range.TeacherMaximum, mask);
            other.TeacherMinimum = SubGroup.Exchange(range.TeacherMinimum, mask);
            range = RowRange.Union(range, other);
        }

        return range;
    }

    public RowSums Add(RowSums sums, RowTeam team)
    {
        for (int mask = team.Lanes / 2; mask > 0; mask /= 2)
        {
            RowSums other = default;
            other.Student = SubGroup.Exchange(sums.Student, mask);
            other.Teacher = SubGroup.Exchange(sums.Teacher, mask);
            other.Hard = SubGroup.Exchange(sums.Hard, mask);
            other.Cross = SubGroup.Exchange(sums.Cross, mask);
            other.Difference = SubGroup.Exchange(sums.Difference, mask);
            other.Uniform = SubGroup.Exchange(sums.Uniform, mask);
            other.UniformWeight = SubGroup.Exchange(sums.UniformWeight, mask);
            other.FirstFromEnd = SubGroup.Exchange(sums.FirstFromEnd, mask);
            sums = RowSums.Add(sums, other);
        }

        return sums;
    }
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
        int lanes = team.Lanes;
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
        int lanes = team.Lanes;
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

/// <summary>
/// The same with a tree through shared memory from sub-group to sub-group, which may be of one thread each: for any device.
/// </summary>
internal readonly struct TreeReduction : IRowReduction
{
    public RowRange Union(RowRange range, RowTeam team)
    {
        WarpReduction warpReduction = default;
        range = warpReduction.Union(range, team);
        int lanes = team.Lanes;
        if (team.Size == lanes)
            return range;
        ArrayView<RowRange> scratch = SharedMemory.Allocate<RowRange>(RowTeam.MaxGroupSize);
        Group.Barrier(); // the scratch may still be read by the row before
        scratch[Group.IdxX] = range;
        Group.Barrier();
        for (int half = team.Size / 2; half >= lanes; half /= 2)
        {
            if (team.Lane < half)
                scratch[Group.IdxX] = RowRange.Union(scratch[Group.IdxX], scratch[Group.IdxX + half]);
            Group.Barrier();
        }

        return scratch[team.Slot * team.Size];
    }

    public RowSums Add(RowSums sums, RowTeam team)
    {
        WarpReduction warpReduction = default;
        sums = warpReduction.Add(sums, team);
        int lanes = team.Lanes;
        if (team.Size == lanes)
            return sums;
        ArrayView<RowSums> scratch = SharedMemory.Allocate<RowSums>(RowTeam.MaxGroupSize);
        Group.Barrier(); // the scratch may still be read by the row before
        scratch[Group.IdxX] = sums;
        Group.Barrier();
        for (int half = team.Size / 2; half >= lanes; half /= 2)
        {
            if (team.Lane < half)
                scratch[Group.IdxX] = RowSums.Add(scratch[Group.IdxX], scratch[Group.IdxX + half]);
            Group.Barrier();
        }

        return scratch[team.Slot * team.Size];
    }
}
