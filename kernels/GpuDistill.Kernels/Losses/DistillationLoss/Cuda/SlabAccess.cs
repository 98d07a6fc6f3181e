using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>Up to eight neighbouring elements; of single precision, the lower four. A device struct.</summary>
internal struct Octet
{
    public Quad Low, High;
}

/// <summary>How a slab of rows comes from global memory and goes back, 16 bytes at a time. Implementations are empty structs.</summary>
internal interface ISlabAccess<T>
    where T : unmanaged
{
    /// <summary>Elements in 16 bytes.</summary>
    int Length { get; }

    /// <summary>The elements of one access, in single precision.</summary>
    Octet Load(ArrayView<T> view, long chunk);

    void Store(ArrayView<T> view, long chunk, Octet value);

    float LoadOne(ArrayView<T> view, long index);

    void StoreOne(ArrayView<T> view, long index, float value);
}

/// <summary>Four elements of single precision.</summary>
internal readonly struct FloatSlab : ISlabAccess<float>
{
    public int Length => 4;

    public Octet Load(ArrayView<float> view, long chunk) => new() { Low = view.Cast<Quad>()[chunk] };

    public void Store(ArrayView<float> view, long chunk, Octet value) => view.Cast<Quad>()[chunk] = value.Low;

    public float LoadOne(ArrayView<float> view, long index) => view[index];

    public void StoreOne(ArrayView<float> view, long index, float value) => view[index] = value;
}

/// <summary>Eight elements of 16 bits, two in a word.</summary>
internal readonly struct ShortSlab<TStorage> : ISlabAccess<ushort>
    where TStorage : unmanaged, IShortStorage
{
    public int Length => 8;

    public Octet Load(ArrayView<ushort> view, long chunk)
    {
        TStorage storage = default;
        Words words = view.Cast<Words>()[chunk];
        return new Octet
        {
            Low = new Quad
            {
                X = storage.FromBits((ushort)words.X),
                Y = storage.FromBits((ushort)(words.X >> 16)),
                Z = storage.FromBits((ushort)words.Y),
                W = storage.FromBits((ushort)(words.Y >> 16)),
            },
            High = new Quad
            {
                X = storage.FromBits((ushort)words.Z),
                Y = storage.FromBits((ushort)(words.Z >> 16)),
                Z = storage.FromBits((ushort)words.W),
                W = storage.FromBits((ushort)(words.W >> 16)),
            },
        };
    }

    public void Store(ArrayView<ushort> view, long chunk, Octet value) => view.Cast<Words>()[chunk] = new Words
    {
        X = Word(value.Low.X, value.Low.Y),
        Y = Word(value.Low.Z, value.Low.W),
        Z = Word(value.High.X, value.High.Y),
        W = Word(value.High.Z, value.High.W),
    };

    public float LoadOne(ArrayView<ushort> view, long index) => default(TStorage).Load(view, index);

    public void StoreOne(ArrayView<ushort> view, long index, float value) => default(TStorage).Store(view, index, value);

    private static uint Word(float low, float high)
    {
        TStorage storage = default;
        return storage.ToBits(low) | ((uint)storage.ToBits(high) << 16);
    }

    private struct Words
    {
        public uint X, Y, Z, W;
    }
}
