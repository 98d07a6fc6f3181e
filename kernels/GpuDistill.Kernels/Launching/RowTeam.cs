using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: a power-of-two number of neighbouring threads that share one row. A group holds one or several teams, so
/// that small rows do not leave threads idle. How its threads' parts become one is an <see cref="IRowReduction"/>'s affair.
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
}
