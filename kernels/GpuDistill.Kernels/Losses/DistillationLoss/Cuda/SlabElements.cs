using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>Two neighbouring numbers. A device struct.</summary>
internal struct Pair
{
    public float X, Y;
}

/// <summary>
/// How a slab's elements are read, which are in shared memory as they are in global memory. A pair begins at an even element.
/// Implementations are empty structs.
/// </summary>
internal interface ISlabElements<T> : IStorage<T>
    where T : unmanaged
{
    /// <summary>The pair so many pairs behind another.</summary>
    Pair LoadPair(ArrayView<T> view, long start, int pair);

    void StorePair(ArrayView<T> view, long start, int pair, Pair value);

    void CopyPair(ArrayView<T> source, long sourcePair, ArrayView<T> target, long targetPair);
}

/// <summary>Single precision: a pair is one access of 8 bytes.</summary>
internal readonly struct FloatElements : ISlabElements<float>
{
    public float Load(ArrayView<float> view, long index) => view[index];

    public void Store(ArrayView<float> view, long index, float value) => view[index] = value;

    public Pair LoadPair(ArrayView<float> view, long start, int pair) => view.Cast<Pair>().SubView(start)[pair];

    public void StorePair(ArrayView<float> view, long start, int pair, Pair value) =>
        view.Cast<Pair>().SubView(start)[pair] = value;

    public void CopyPair(ArrayView<float> source, long sourcePair, ArrayView<float> target, long targetPair) =>
        target.Cast<Pair>()[targetPair] = source.Cast<Pair>()[sourcePair];
}

/// <summary>Elements of 16 bits: a pair is a word.</summary>
internal readonly struct ShortElements<TStorage> : ISlabElements<ushort>
    where TStorage : unmanaged, IShortStorage
{
    public float Load(ArrayView<ushort> view, long index) => default(TStorage).Load(view, index);

    public void Store(ArrayView<ushort> view, long index, float value) => default(TStorage).Store(view, index, value);

    public Pair LoadPair(ArrayView<ushort> view, long start, int pair)
    {
        TStorage storage = default;
        uint word = view.Cast<uint>().SubView(start)[pair];
        return new Pair { X = storage.FromLow(word), Y = storage.FromHigh(word) };
    }

    public void StorePair(ArrayView<ushort> view, long start, int pair, Pair value) =>
        view.Cast<uint>().SubView(start)[pair] = default(TStorage).ToWord(value.X, value.Y);

    public void CopyPair(ArrayView<ushort> source, long sourcePair, ArrayView<ushort> target, long targetPair) =>
        target.Cast<uint>()[targetPair] = source.Cast<uint>()[sourcePair];
}

/// <summary>What is known of all rows, for kernels made for each case. Implementations are empty structs.</summary>
internal interface ISlabShape
{
    /// <summary>Whether there are <see cref="SlabRow.Length"/> classes and the objective is the ordinary one.</summary>
    bool IsOrdinary { get; }

    /// <summary>Whether rows begin at even elements, and are read pair by pair.</summary>
    bool IsEven { get; }
}

/// <summary>
/// Rows of ten classes, as many as a thread takes, and both objectives without label smoothing, class weights, blend, and flat rows:
/// what is known then costs no instruction.
/// </summary>
internal readonly struct TenClasses : ISlabShape
{
    public bool IsOrdinary => true;

    public bool IsEven => true;
}

/// <summary>Rows of an even number of classes.</summary>
internal readonly struct EvenRows : ISlabShape
{
    public bool IsOrdinary => false;

    public bool IsEven => true;
}

/// <summary>Rows of an odd number of classes.</summary>
internal readonly struct OddRows : ISlabShape
{
    public bool IsOrdinary => false;

    public bool IsEven => false;
}
