using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>Four neighbouring logits of student and teacher. A device struct.</summary>
internal struct QuadPair
{
    public Quad Student, Teacher;
}

/// <summary>How device code reads and writes four neighbouring elements of a row. Implementations are empty structs.</summary>
internal interface IQuadAccess<T>
    where T : unmanaged
{
    /// <summary>Whether quads are of four elements of the row's always.</summary>
    bool IsWhole { get; }

    /// <summary>Whether element <paramref name="index"/> of a quad is one of the row's.</summary>
    bool Has(int column, int index, int columns);

    /// <summary>
    /// The quad at <paramref name="column"/>, a multiple of 4 below <paramref name="columns"/>, of the row at <paramref name="start"/>;
    /// -infinity where it has no element of the row's. Its bits may be those in memory, which <see cref="Widen"/> makes numbers of.
    /// </summary>
    Quad Read(ArrayView<T> view, long start, int column, int columns);

    Quad Widen(Quad read);

    void Store(ArrayView<T> view, long start, int column, int columns, Quad value);

    float LoadOne(ArrayView<T> view, long index);
}

/// <summary>
/// One access of 16 bytes: rows a multiple of four elements long in views that begin at a multiple of 16 bytes. The view is cast
/// first and indexed then; a sub-view that is cast is read element by element, since ILGPU then knows nothing of its alignment.
/// </summary>
internal readonly struct WholeQuads : IQuadAccess<float>
{
    public bool IsWhole => true;

    public bool Has(int column, int index, int columns) => true;

    public Quad Read(ArrayView<float> view, long start, int column, int columns) => view.Cast<Quad>().SubView(start >> 2)[column >> 2];

    public Quad Widen(Quad read) => read;

    public void Store(ArrayView<float> view, long start, int column, int columns, Quad value) =>
        view.Cast<Quad>().SubView(start >> 2)[column >> 2] = value;

    public float LoadOne(ArrayView<float> view, long index) => view[index];
}

/// <summary>The same for elements of 16 bits, where a quad is one access of 8 bytes.</summary>
internal readonly struct WholeShorts<TStorage> : IQuadAccess<ushort>
    where TStorage : unmanaged, IShortStorage
{
    public bool IsWhole => true;

    public bool Has(int column, int index, int columns) => true;

    public Quad Read(ArrayView<ushort> view, long start, int column, int columns)
    {
        TwoWords words = view.Cast<TwoWords>().SubView(start >> 2)[column >> 2];
        return new Quad { X = Interop.IntAsFloat(words.X), Y = Interop.IntAsFloat(words.Y) };
    }

    public Quad Widen(Quad read)
    {
        TStorage storage = default;
        uint low = Interop.FloatAsInt(read.X);
        uint high = Interop.FloatAsInt(read.Y);
        return new Quad { X = storage.FromLow(low), Y = storage.FromHigh(low), Z = storage.FromLow(high), W = storage.FromHigh(high) };
    }

    public void Store(ArrayView<ushort> view, long start, int column, int columns, Quad value)
    {
        TStorage storage = default;
        view.Cast<TwoWords>().SubView(start >> 2)[column >> 2] = new TwoWords
        {
            X = storage.ToWord(value.X, value.Y),
            Y = storage.ToWord(value.Z, value.W),
        };
    }

    public float LoadOne(ArrayView<ushort> view, long index) => default(TStorage).Load(view, index);

    private struct TwoWords
    {
        public uint X, Y;
    }
}

/// <summary>Element by element, for any length and any alignment; elements beyond the row's end are -infinity and never written.</summary>
internal readonly struct SingleElements<T, TStorage> : IQuadAccess<T>
    where T : unmanaged
    where TStorage : unmanaged, IStorage<T>
{
    public bool IsWhole => false;

    public bool Has(int column, int index, int columns) => column + index < columns;

    public Quad Read(ArrayView<T> view, long start, int column, int columns)
    {
        TStorage storage = default;
        long first = start + column;
        Quad quad = default;
        quad.X = storage.Load(view, first);
        quad.Y = column + 1 < columns ? storage.Load(view, first + 1) : float.NegativeInfinity;
        quad.Z = column + 2 < columns ? storage.Load(view, first + 2) : float.NegativeInfinity;
        quad.W = column + 3 < columns ? storage.Load(view, first + 3) : float.NegativeInfinity;
        return quad;
    }

    public Quad Widen(Quad read) => read;

    public void Store(ArrayView<T> view, long start, int column, int columns, Quad value)
    {
        TStorage storage = default;
        long first = start + column;
        storage.Store(view, first, value.X);
        if (column + 1 < columns)
            storage.Store(view, first + 1, value.Y);
        if (column + 2 < columns)
            storage.Store(view, first + 2, value.Z);
        if (column + 3 < columns)
            storage.Store(view, first + 3, value.W);
    }

    public float LoadOne(ArrayView<T> view, long index) => default(TStorage).Load(view, index);
}
