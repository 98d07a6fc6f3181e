using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

/// <summary>How what two threads have of a row becomes one. Implementations are empty structs.</summary>
internal interface IRowJoin<TState>
    where TState : unmanaged
{
    TState Of(TState a, TState b);

    /// <summary>What the lane has whose number differs in this bit.</summary>
    TState FromLane(TState state, int bit);
}

/// <summary>
/// How a team makes one of its threads' parts of a row: in a fixed order, the same bits in every thread. All threads of the group
/// must call it.
/// </summary>
internal interface IRowReduction
{
    TState Join<TState, TJoin>(TState state, RowTeam team)
        where TState : unmanaged
        where TJoin : unmanaged, IRowJoin<TState>;
}

/// <summary>Within a sub-group: exchanges, a butterfly (a + b and b + a are the same bits).</summary>
internal readonly struct WarpReduction : IRowReduction
{
    // A warp of CUDA's: of a loop's instructions a third to a half would be the loop's own.
    private const int FullWarp = 32;

    public TState Join<TState, TJoin>(TState state, RowTeam team)
        where TState : unmanaged
        where TJoin : unmanaged, IRowJoin<TState>
    {
        int lanes = team.Lanes;
        if (lanes == FullWarp)
        {
            state = Join<TState, TJoin>(state, 16);
            state = Join<TState, TJoin>(state, 8);
            state = Join<TState, TJoin>(state, 4);
            state = Join<TState, TJoin>(state, 2);
            state = Join<TState, TJoin>(state, 1);
        }
        else
        {
            for (int bit = lanes / 2; bit > 0; bit /= 2)
                state = Join<TState, TJoin>(state, bit);
        }

        SubGroup.Barrier(); // what a lane read of the row, another may overwrite from here on
        return state;
    }

    private static TState Join<TState, TJoin>(TState state, int bit)
        where TState : unmanaged
        where TJoin : unmanaged, IRowJoin<TState>
    {
        TJoin join = default;
        return join.Of(state, join.FromLane(state, bit));
    }
}

/// <summary>The same within each warp, then shared memory from warp to warp.</summary>
internal readonly struct ShuffledReduction : IRowReduction
{
    // Warps of 2 lanes, the fewest that the CPU accelerator has, in the largest group.
    private const int MaxWarps = RowTeam.MaxGroupSize / 2;

    public TState Join<TState, TJoin>(TState state, RowTeam team)
        where TState : unmanaged
        where TJoin : unmanaged, IRowJoin<TState>
    {
        ArrayView<TState> scratch = SharedMemory.Allocate<TState>(MaxWarps);
        TJoin join = default;
        WarpReduction warpReduction = default;
        state = warpReduction.Join<TState, TJoin>(state, team);
        int lanes = team.Lanes;
        if (team.Size == lanes)
            return state;
        int shift = IntrinsicMath.PopCount(lanes - 1); // no compiler knows that a division by the lanes is one
        int warps = team.Size >> shift;
        Group.Barrier(); // the scratch may still be read by the row before
        if ((team.Lane & (lanes - 1)) == 0)
            scratch[Group.IdxX >> shift] = state;
        Group.Barrier();
        state = scratch[team.Slot * warps];
        for (int warp = 1; warp < warps; warp++)
            state = join.Of(state, scratch[(team.Slot * warps) + warp]);
        return state;
    }
}

/// <summary>
/// The same with a tree through shared memory from sub-group to sub-group, which may be of one thread each: for any device.
/// </summary>
internal readonly struct TreeReduction : IRowReduction
{
    public TState Join<TState, TJoin>(TState state, RowTeam team)
        where TState : unmanaged
        where TJoin : unmanaged, IRowJoin<TState>
    {
        ArrayView<TState> scratch = SharedMemory.Allocate<TState>(RowTeam.MaxGroupSize);
        TJoin join = default;
        WarpReduction warpReduction = default;
        state = warpReduction.Join<TState, TJoin>(state, team);
        int lanes = team.Lanes;
        if (team.Size == lanes)
            return state;
        Group.Barrier(); // the scratch may still be read by the row before
        scratch[Group.IdxX] = state;
        Group.Barrier();
        for (int half = team.Size / 2; half >= lanes; half /= 2)
        {
            if (team.Lane < half)
                scratch[Group.IdxX] = join.Of(scratch[Group.IdxX], scratch[Group.IdxX + half]);
            Group.Barrier();
        }

        return scratch[team.Slot * team.Size];
    }
}

/// <summary>The larger of two numbers.</summary>
internal readonly struct Larger : IRowJoin<float>
{
    public float Of(float a, float b) => XMath.Max(a, b);

    public float FromLane(float state, int bit) => SubGroup.Exchange(state, bit);
}

/// <summary>The sum of two numbers.</summary>
internal readonly struct Sum : IRowJoin<float>
{
    public float Of(float a, float b) => a + b;

    public float FromLane(float state, int bit) => SubGroup.Exchange(state, bit);
}
