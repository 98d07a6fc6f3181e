using ILGPU;

namespace GpuDistill.Kernels;

// Rows of a slab in shared memory, by the largest access that their length allows. Indices are of 32 bits there.

internal interface ISlabRows : IQuadAccess<float>
{
    /// <summary>Whether rows may be padded (<see cref="SlabLayout"/>).</summary>
    bool ArePadded { get; }
}

/// <summary>Rows of whole quads.</summary>
internal readonly struct SlabQuads : ISlabRows
{
    public bool ArePadded => true;

    public bool Has(int column, int index, int columns) => true;

    public Quad Load(ArrayView<float> view, long start, int column, int columns) => view.Cast<Quad>()[((int)start + column) >> 2];

    public void Store(ArrayView<float> view, long start, int column, int columns, Quad value) =>
        view.Cast<Quad>()[((int)start + column) >> 2] = value;

    public float LoadOne(ArrayView<float> view, long index) => view[(int)index];
}

/// <summary>Rows of an odd number of pairs.</summary>
internal readonly struct SlabPairs : ISlabRows
{
    public bool ArePadded => false;

    public bool Has(int column, int index, int columns) => index < 2 || column + 2 < columns;

    public Quad Load(ArrayView<float> view, long start, int column, int columns)
    {
        ArrayView<Pair> pairs = view.Cast<Pair>();
        int first = ((int)start + column) >> 1;
        Pair low = pairs[first];
        Pair high = new() { X = float.NegativeInfinity, Y = float.NegativeInfinity };
        if (column + 2 < columns)
            high = pairs[first + 1];
        return new Quad { X = low.X, Y = low.Y, Z = high.X, W = high.Y };
    }

    public void Store(ArrayView<float> view, long start, int column, int columns, Quad value)
    {
        ArrayView<Pair> pairs = view.Cast<Pair>();
        int first = ((int)start + column) >> 1;
        pairs[first] = new Pair { X = value.X, Y = value.Y };
        if (column + 2 < columns)
            pairs[first + 1] = new Pair { X = value.Z, Y = value.W };
    }

    public float LoadOne(ArrayView<float> view, long index) => view[(int)index];

    private struct Pair
    {
        public float X, Y;
    }
}

/// <summary>Rows of any length.</summary>
internal readonly struct SlabSingles : ISlabRows
{
    public bool ArePadded => false;

    public bool Has(int column, int index, int columns) => column + index < columns;

    public Quad Load(ArrayView<float> view, long start, int column, int columns)
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
