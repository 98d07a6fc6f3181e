using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A slab of short rows between global memory, where it is one run of accesses of 16 bytes, and shared memory, where rows are an odd
/// number of elements apart, so that neighbouring threads' elements of neighbouring rows are in different banks. For operations that
/// compute little; the distillation loss has slabs of its own. A device struct; all threads of a group take part, and none waits.
/// </summary>
internal struct Slab
{
    /// <summary>Threads of a group: few, so that some groups load or store while others compute.</summary>
    public const int GroupSize = 128;

    /// <summary>Elements of the largest slab, in which each of as many rows as threads is padded by one.</summary>
    public const int MostFloats = GroupSize * (CudaPlan.SlabColumnsPerThread + 1);

    /// <summary>Elements from one row to the next in shared memory.</summary>
    public int Pitch;

    /// <summary>
    /// 2^32 by the columns, rounded up, where rows are an even number of elements: a division by them is a multiplication. Else 0.
    /// </summary>
    public uint RowsPerElement;

    /// <summary>1 where slabs begin at multiples of 16 bytes in global memory.</summary>
    public int IsAligned;

    public static Slab Of(int columns, int rowsPerSlab, bool isAligned) => new()
    {
        Pitch = columns | 1,
        RowsPerElement = columns % 2 == 0 ? (uint)(((1L << 32) + columns - 1) / columns) : 0,
        IsAligned = isAligned && rowsPerSlab * columns % Quad.Length == 0 ? 1 : 0,
    };

    /// <summary>The place in shared memory of a slab's element in global memory.</summary>
    public readonly int PlaceOf(int element) => element + (int)(((ulong)(uint)element * RowsPerElement) >> 32);

    /// <summary>Brings <paramref name="count"/> elements of <paramref name="view"/> to <paramref name="rows"/>.</summary>
    public readonly void Load(ArrayView<float> view, long start, int count, ArrayView<float> rows)
    {
        ArrayView<Quad> quads = view.Cast<Quad>();
        int whole = IsAligned != 0 ? count / Quad.Length : 0;
        long firstQuad = start / Quad.Length;
        for (int i = Group.IdxX; i < whole; i += Group.DimX)
        {
            Quad quad = quads[firstQuad + i];
            int element = i * Quad.Length;
            rows[PlaceOf(element)] = quad.X;
            rows[PlaceOf(element + 1)] = quad.Y;
            rows[PlaceOf(element + 2)] = quad.Z;
            rows[PlaceOf(element + 3)] = quad.W;
        }

        for (int i = (whole * Quad.Length) + Group.IdxX; i < count; i += Group.DimX)
            rows[PlaceOf(i)] = view[start + i];
    }

    /// <summary>Brings a row from anywhere to its team's place, element by element.</summary>
    public readonly void LoadRow(RowTeam team, ArrayView<float> view, long start, int columns, ArrayView<float> rows)
    {
        int place = team.Slot * Pitch;
        for (int i = team.Lane; i < columns; i += team.Size)
            rows[place + i] = view[start + i];
    }

    /// <summary>Writes a slab to global memory.</summary>
    public readonly void Store(ArrayView<float> rows, ArrayView<float> view, long start, int count)
    {
        ArrayView<Quad> quads = view.Cast<Quad>();
        int whole = IsAligned != 0 ? count / Quad.Length : 0;
        long firstQuad = start / Quad.Length;
        for (int i = Group.IdxX; i < whole; i += Group.DimX)
        {
            int element = i * Quad.Length;
            quads[firstQuad + i] = new Quad
            {
                X = rows[PlaceOf(element)],
                Y = rows[PlaceOf(element + 1)],
                Z = rows[PlaceOf(element + 2)],
                W = rows[PlaceOf(element + 3)],
            };
        }

        for (int i = (whole * Quad.Length) + Group.IdxX; i < count; i += Group.DimX)
            view[start + i] = rows[PlaceOf(i)];
    }
}

/// <summary>
/// Elements of a row in shared memory, one by one, with indices of 32 bits; those beyond the row's end are -infinity and never written.
/// </summary>
internal readonly struct SharedElements : IQuadAccess<float>
{
    public bool IsWhole => false;

    public bool Has(int column, int index, int columns) => column + index < columns;

    public Quad Read(ArrayView<float> view, long start, int column, int columns)
    {
        int first = (int)start + column;
        return new Quad
        {
            X = view[first],
            Y = column + 1 < columns ? view[first + 1] : float.NegativeInfinity,
            Z = column + 2 < columns ? view[first + 2] : float.NegativeInfinity,
            W = column + 3 < columns ? view[first + 3] : float.NegativeInfinity,
        };
    }

    public Quad Widen(Quad read) => read;

    public void Store(ArrayView<float> view, long start, int column, int columns, Quad value)
    {
        int first = (int)start + column;
        view[first] = value.X;
        if (column + 1 < columns)
            view[first + 1] = value.Y;
        if (column + 2 < columns)
            view[first + 2] = value.Z;
        if (column + 3 < columns)
            view[first + 3] = value.W;
    }

    public float LoadOne(ArrayView<float> view, long index) => view[(int)index];
}
