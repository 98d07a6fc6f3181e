using System.Runtime.CompilerServices;
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
internal readonly unsafe struct BFloat16Storage : IShortStorage, IShortLanes<BFloat16Storage>
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F WidenLanes<F>(F bits)
        where F : struct, ISimd<F> =>
        bits << 16;

    // Step by step what Round does with one number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F RoundLanes<F>(F value)
        where F : struct, ISimd<F>
    {
        F upper = value >>> 16;
        F rounded = F.AddBits(F.AddBits(value, F.SplatBits(0x7FFF)), upper & F.SplatBits(1)) >>> 16;
        F isNumber = F.AreEqual(value, value);
        return F.Select(isNumber, rounded, upper | F.SplatBits(0x40));
    }
}
