using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GpuDistill.Kernels;

/// <summary>16 single-precision lanes.</summary>
internal readonly unsafe struct Simd512 : ISimd<Simd512>
{
    private readonly Vector512<float> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Simd512(Vector512<float> value) => _value = value;

    public static int Width => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Splat(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Simd512 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAlignedNonTemporal(Simd512 value, float* target) => value._value.StoreAlignedNonTemporal(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadPartial(float* source, int count, float rest) =>
        new(Avx512F.MaskLoad(source, Below(count)._value, Vector512.Create(rest)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadQuads(float* source, nint step)
    {
        Vector512<float> quads = Vector128.Load(source).ToVector256Unsafe().ToVector512Unsafe();
        quads = Avx512F.InsertVector128(quads, Vector128.Load(source + step), 1);
        quads = Avx512F.InsertVector128(quads, Vector128.Load(source + (2 * step)), 2);
        return new(Avx512F.InsertVector128(quads, Vector128.Load(source + (3 * step)), 3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(Simd512 value, float* target, int count) =>
        Avx512F.MaskStore(target, Below(count)._value, value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadBytes(byte* source) => new(Vector512.ConvertToSingle(Vector512.WidenLower(Vector512.WidenLower(Vector128.Load(source).ToVector256().ToVector512())).AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator +(Simd512 a, Simd512 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator -(Simd512 a, Simd512 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator *(Simd512 a, Simd512 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator /(Simd512 a, Simd512 b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Fma(Simd512 a, Simd512 b, Simd512 c) => new(Vector512.FusedMultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Max(Simd512 a, Simd512 b) => new(Vector512.MaxNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Min(Simd512 a, Simd512 b) => new(Vector512.MinNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Abs(Simd512 a) => new(Vector512.Abs(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Sqrt(Simd512 a) => new(Vector512.Sqrt(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Round(Simd512 a) => new(Vector512.Round(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 PowerOfTwo(Simd512 n) => new(((Vector512.ConvertToInt32Native(n._value) + Vector512.Create(127)) << 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Less(Simd512 a, Simd512 b) => new(Vector512.LessThan(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LessOrEqual(Simd512 a, Simd512 b) => new(Vector512.LessThanOrEqual(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 AreEqual(Simd512 a, Simd512 b) => new(Vector512.Equals(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Select(Simd512 mask, Simd512 a, Simd512 b) => new(Vector512.ConditionalSelect(mask._value, a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 InterleaveLow(Simd512 a, Simd512 b) => new(Avx512F.UnpackLow(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 InterleaveHigh(Simd512 a, Simd512 b) => new(Avx512F.UnpackHigh(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd512 a) => Simd256.Sum(Simd256.From(a._value.GetLower() + a._value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float HorizontalMax(Simd512 a) => Simd256.HorizontalMax(Simd256.From(Vector256.MaxNative(a._value.GetLower(), a._value.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 AtLeast(uint* words, uint limit) =>
        new(Vector512.GreaterThanOrEqual(Vector512.Load(words), Vector512.Create(limit)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadUniform(uint* source) => new(Vector512.ConvertToSingle((Vector512.Load(source) >>> 8).AsInt32()) * Vector512.Create(Philox.UnitScale));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Scale(Simd512 a, Simd512 n) => new(Avx512F.Scale(a._value, n._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 SplatBits(uint bits) => new(Vector512.Create(bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadShorts(ushort* source) => new(Vector512.WidenLower(Vector256.Load(source).ToVector512Unsafe()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(Simd512 value, ushort* target) => Avx512F.ConvertToVector256UInt16(value._value.AsUInt32()).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadShortsPartial(ushort* source, int count) =>
        new(Vector512.WidenLower(Avx512BW.VL.MaskLoad(source, ShortsBelow(count), Vector256<ushort>.Zero).ToVector512Unsafe()).AsSingle());

    // Not by a mask: processors store masked words of 16 bits slowly.
    public static void StoreShortsPartial(Simd512 value, ushort* target, int count)
    {
        Vector256<ushort> shorts = Avx512F.ConvertToVector256UInt16(value._value.AsUInt32());
        ShortLanes.Store(shorts.GetLower(), target, count);
        ShortLanes.Store(shorts.GetUpper(), target + 8, count - 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator &(Simd512 a, Simd512 b) => new(a._value & b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator |(Simd512 a, Simd512 b) => new(a._value | b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator <<(Simd512 a, int count) => new((a._value.AsUInt32() << count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator >>>(Simd512 a, int count) => new((a._value.AsUInt32() >>> count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 AddBits(Simd512 a, Simd512 b) => new((a._value.AsUInt32() + b._value.AsUInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LessBits(Simd512 a, Simd512 b) => new(Vector512.LessThan(a._value.AsInt32(), b._value.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Below(int count) => new(Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle());

    private static Vector256<ushort> ShortsBelow(int count) =>
        Vector256.LessThan(Vector256<ushort>.Indices, Vector256.Create((ushort)count));
}
