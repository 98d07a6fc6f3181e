using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace GpuDistill.Kernels;

/// <summary>
/// Half precision (IEEE binary16) in memory. A GPU converts it by its own instructions (<see cref="PtxIntrinsics"/>,
/// <see cref="OpenClIntrinsics"/>), and the bodies here run on the CPU: the same bits everywhere, but for those of a NaN, which stays one.
/// </summary>
internal readonly unsafe struct HalfStorage : IShortStorage, IShortLanes<HalfStorage>
{
    // Exponents of single precision are biased by 112 more, and its fractions 13 bits longer.
    private const int ExtraBias = 112;
    private const int ExtraBits = 13;

    public float Load(ArrayView<ushort> view, long index) => Widen(view[index]);

    public void Store(ArrayView<ushort> view, long index, float value) => view[index] = Round(value);

    public float FromLow(uint word) => Widen((ushort)word);

    public float FromHigh(uint word) => Widen((ushort)(word >> 16));

    public uint ToWord(float low, float high) => RoundTwo(low, high);

    [IntrinsicImplementation]
    public static float Widen(ushort bits)
    {
        uint magnitude = bits & 0x7FFFu;
        uint normal = (magnitude << ExtraBits) + ((uint)ExtraBias << 23);
        uint wide = magnitude < 0x0400
            ? Interop.FloatAsInt((int)magnitude * (1f / (1 << 24)))
            : magnitude < 0x7C00 ? normal : (magnitude << ExtraBits) | 0x7F800000;
        return Interop.IntAsFloat(wide | ((bits & 0x8000u) << 16));
    }

    /// <summary>Two numbers in the halves of a word.</summary>
    [IntrinsicImplementation]
    public static uint RoundTwo(float low, float high) => Round(low) | ((uint)Round(high) << 16);

    [IntrinsicImplementation]
    public static ushort Round(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        uint magnitude = bits & 0x7FFFFFFF;
        uint normal = ((magnitude + 0x0FFF + ((magnitude >> ExtraBits) & 1)) >> ExtraBits) - ((uint)ExtraBias << 10);
        // Below 2^-14 the unit is 2^-24, as that of single precision is at 0.5: an addition rounds.
        uint small = Interop.FloatAsInt(Interop.IntAsFloat(magnitude) + 0.5f) - 0x3F000000;
        uint half = magnitude < 0x38800000 ? small : normal;
        half = magnitude >= 0x477FF000 ? 0x7C00 : half; // 65520 and above round to infinity
        half = magnitude > 0x7F800000 ? 0x7E00 : half;
        return (ushort)(half | ((bits >> 16) & 0x8000));
    }

    public static float LoadOne(ushort* source) => Widen(*source);

    public static void StoreOne(float value, ushort* target) => *target = Round(value);

    // As Widen of one number, but for what is below 2^-14: the unit there, 2^-24, is that of single precision at 0.5.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F WidenLanes<F>(F bits)
        where F : struct, ISimd<F>
    {
        F magnitude = bits & F.SplatBits(0x7FFF);
        F shifted = magnitude << ExtraBits;
        F small = (magnitude | F.Splat(0.5f)) - F.Splat(0.5f);
        F normal = F.AddBits(shifted, F.SplatBits((uint)ExtraBias << 23));
        F special = shifted | F.Splat(float.PositiveInfinity);
        F wide = F.Select(F.LessBits(magnitude, F.SplatBits(0x7C00)), normal, special);
        wide = F.Select(F.LessBits(magnitude, F.SplatBits(0x0400)), small, wide);
        return wide | ((bits & F.SplatBits(0x8000)) << 16);
    }

    // Step by step what Round does with one number.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F RoundLanes<F>(F value)
        where F : struct, ISimd<F>
    {
        F magnitude = value & F.SplatBits(0x7FFFFFFF);
        F odd = (magnitude >>> ExtraBits) & F.SplatBits(1);
        F normal = F.AddBits(F.AddBits(F.AddBits(magnitude, F.SplatBits(0x0FFF)), odd) >>> ExtraBits, F.SplatBits(unchecked((uint)-(ExtraBias << 10))));
        F small = F.AddBits(magnitude + F.Splat(0.5f), F.SplatBits(unchecked((uint)-0x3F000000)));
        F half = F.Select(F.LessBits(magnitude, F.SplatBits(0x38800000)), small, normal);
        half = F.Select(F.LessBits(magnitude, F.SplatBits(0x477FF000)), half, F.SplatBits(0x7C00));
        half = F.Select(F.LessBits(F.Splat(float.PositiveInfinity), magnitude), F.SplatBits(0x7E00), half);
        return half | ((value >>> 16) & F.SplatBits(0x8000));
    }
}
