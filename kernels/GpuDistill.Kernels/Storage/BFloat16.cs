using ILGPU;
using ILGPU.IR.Intrinsics;

namespace GpuDistill.Kernels;

/// <summary>
/// The upper half of a single-precision number: 8 bits of exponent, 7 of fraction. For storage; nothing is computed in it.
/// </summary>
/// <param name="Bits">The 16 bits.</param>
public readonly record struct BFloat16(ushort Bits)
{
    /// <summary>The nearest value, ties to even; NaN stays NaN.</summary>
    public static explicit operator BFloat16(float value) => new(BFloat16Storage.Round(value));

    /// <summary>The same value in single precision.</summary>
    public static explicit operator float(BFloat16 value) => BFloat16Storage.Widen(value.Bits);

    /// <inheritdoc/>
    public override string ToString() => ((float)this).ToString();
}

/// <summary>
/// The upper 16 bits of single precision in memory. A GPU rounds two at a time by its own instructions (<see cref="PtxIntrinsics"/>,
/// <see cref="OpenClIntrinsics"/>).
/// </summary>
internal readonly unsafe struct BFloat16Storage : IShortStorage, ISimdStorage<ushort>
{
    public float Load(ArrayView<ushort> view, long index) => Widen(view[index]);

    public void Store(ArrayView<ushort> view, long index, float value) => view[index] = Round(value);

    public float FromLow(uint word) => Interop.IntAsFloat(word << 16);

    public float FromHigh(uint word) => Interop.IntAsFloat(word & 0xFFFF0000);

    public uint ToWord(float low, float high) => RoundTwo(low, high);

    public static float Widen(ushort bits) => Interop.IntAsFloat((uint)bits << 16);

    /// <summary>Two numbers in the halves of a word.</summary>
    [IntrinsicImplementation]
    public static uint RoundTwo(float low, float high) => Round(low) | ((uint)Round(high) << 16);

    public static ushort Round(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        // Half a unit of the last place that stays, less one where it is even; a carry goes into the exponent, as it should.
        uint rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
        return (ushort)(FloatBits.IsNaN(value) ? (bits >> 16) | 0x40 : rounded);
    }

    public static float LoadOne(ushort* source) => Widen(*source);

    public static void StoreOne(float value, ushort* target) => *target = Round(value);

    public static F Load<F>(ushort* source)
        where F : struct, ISimd<F> =>
        LoadPartial<F>(source, F.Width, 0);

    public static F LoadPartial<F>(ushort* source, int count, float rest)
        where F : struct, ISimd<F>
    {
        float* lanes = stackalloc float[F.Width];
        for (int i = 0; i < F.Width; i++)
            lanes[i] = i < count ? Widen(source[i]) : rest;
        return F.Load(lanes);
    }

    public static void Store<F>(F value, ushort* target)
        where F : struct, ISimd<F> =>
        StorePartial(value, target, F.Width);

    public static void StorePartial<F>(F value, ushort* target, int count)
        where F : struct, ISimd<F>
    {
        float* lanes = stackalloc float[F.Width];
        F.Store(value, lanes);
        for (int i = 0; i < count; i++)
            target[i] = Round(lanes[i]);
    }
}
