using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: a power-of-two number of neighbouring threads that share one row. A group holds one or several teams, so
/// that small rows do not leave threads idle. Reductions have a fixed order: a butterfly within a sub-group (a + b and b + a are the
/// same bits), then a tree in shared memory, all of it where there are no sub-groups. A team within a sub-group needs neither memory
/// nor barrier.
/// </summary>
internal readonly struct RowTeam
{
    /// <summary>The largest group size; the length of the shared scratch.</summary>
    public const int MaxGroupSize = 256;

    /// <summary>Threads per row.</summary>
    public readonly int Size;

    /// <summary>This thread's number in its team.</summary>
    public readonly int Lane;

    /// <summary>The team's number in its group.</summary>
    public readonly int Slot;

    // A division that is a shift, which no compiler knows of.
    private readonly int _shift;

    public RowTeam(int size)
    {
        Size = size;
        _shift = IntrinsicMath.PopCount(size - 1);
        Lane = Group.IdxX & (size - 1);
        Slot = Group.IdxX >> _shift;
    }

    /// <summary>Rows that a group works on at the same time.</summary>
    public int RowsPerGroup => Group.DimX >> _shift;

    /// <summary>Threads of the team that are in one sub-group; each of them holds what <see cref="SubGroup"/> makes of them all.</summary>
    public int Lanes => IntrinsicMath.Min(Size, SubGroup.Size);

    /// <summary>Threads per row that suit rows of this length (host side): one per 8 to 16 elements, at most a whole group.</summary>
    public static int SizeFor(long columns, int groupSize)
    {
        int size = 1;
        while (size < groupSize && size * 16L < columns)
            size *= 2;
        return size;
    }

    /// <summary>The sum over the team, the same bits in every thread. All threads of the group must call it.</summary>
    public float Sum(float value, ArrayView<float> scratch)
    {
        int lanes = Lanes;
        for (int mask = lanes / 2; mask > 0; mask /= 2)
            value += SubGroup.Exchange(value, mask);
        if (Size == lanes)
            return value;
        Group.Barrier(); // the scratch may still be read by the reduction before
        scratch[Group.IdxX] = value;
        Group.Barrier();
        for (int half = Size / 2; half >= lanes; half /= 2)
        {
            if (Lane < half)
                scratch[Group.IdxX] += scratch[Group.IdxX + half];
            Group.Barrier();
        }

        return scratch[Slot * Size];
    }

    /// <summary>The maximum over the team. All threads of the group must call it.</summary>
    public float Max(float value, ArrayView<float> scratch)
    {
        int lanes = Lanes;
        for (int mask = lanes / 2; mask > 0; mask /= 2)
            value = XMath.Max(value, SubGroup.Exchange(value, mask));
        if (Size == lanes)
            return value;
        Group.Barrier(); // the scratch may still be read by the reduction before
        scratch[Group.IdxX] = value;
        Group.Barrier();
        for (int half = Size / 2; half >= lanes; half /= 2)
        {
            if (Lane < half)
                scratch[Group.IdxX] = XMath.Max(scratch[Group.IdxX], scratch[Group.IdxX + half]);
            Group.Barrier();
        }

        return scratch[Slot * Size];
    }
}
