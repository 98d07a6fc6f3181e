using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Fma3 = System.Runtime.Intrinsics.X86.Fma;

namespace GpuDistill.Kernels;

/// <summary>8 single-precision lanes.</summary>
internal readonly unsafe struct Simd256 : ISimd<Simd256>
{
    private readonly Vector256<float> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Simd256(Vector256<float> value) => _value = value;

    public static int Width => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Splat(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Simd256 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAlignedNonTemporal(Simd256 value, float* target) => value._value.StoreAlignedNonTemporal(target);

    public static Simd256 LoadPartial(float* source, int count, float rest)
    {
        if (Avx.IsSupported)
        {
            Vector256<float> below = Below(count)._value;
            return new(Vector256.ConditionalSelect(below, Avx.MaskLoad(source, below), Vector256.Create(rest)));
        }

        float* lanes = stackalloc float[8];
        for (int i = 0; i < 8; i++)
            lanes[i] = i < count ? source[i] : rest;
        return Load(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LoadQuads(float* source, nint step) => new(Vector256.Create(Vector128.Load(source), Vector128.Load(source + step)));

    public static void StorePartial(Simd256 value, float* target, int count)
    {
        if (Avx.IsSupported)
        {
            Avx.MaskStore(target, Below(count)._value, value._value);
            return;
        }

        float* lanes = stackalloc float[8];
        Store(value, lanes);
        for (int i = 0; i < count; i++)
            target[i] = lanes[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LoadBytes(byte* source) => new(Vector256.ConvertToSingle(Vector256.WidenLower(Vector256.WidenLower(Vector128.CreateScalar(*(ulong*)source).AsByte().ToVector256())).AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator +(Simd256 a, Simd256 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator -(Simd256 a, Simd256 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator *(Simd256 a, Simd256 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator /(Simd256 a, Simd256 b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Fma(Simd256 a, Simd256 b, Simd256 c) => new(Fma3.IsSupported ? Vector256.FusedMultiplyAdd(a._value, b._value, c._value) : (a._value * b._value) + c._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Max(Simd256 a, Simd256 b) => new(Vector256.MaxNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Min(Simd256 a, Simd256 b) => new(Vector256.MinNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Abs(Simd256 a) => new(Vector256.Abs(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Sqrt(Simd256 a) => new(Vector256.Sqrt(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Round(Simd256 a) => new(Vector256.Round(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 PowerOfTwo(Simd256 n) => new(((Vector256.ConvertToInt32Native(n._value) + Vector256.Create(127)) << 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Less(Simd256 a, Simd256 b) => new(Vector256.LessThan(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LessOrEqual(Simd256 a, Simd256 b) => new(Vector256.LessThanOrEqual(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 AreEqual(Simd256 a, Simd256 b) => new(Vector256.Equals(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Select(Simd256 mask, Simd256 a, Simd256 b) => new(Vector256.ConditionalSelect(mask._value, a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 InterleaveLow(Simd256 a, Simd256 b) => new(
        Avx.IsSupported ? Avx.UnpackLow(a._value, b._value)
        : Vector256.Create(Simd128.InterleaveLow(a._value.GetLower(), b._value.GetLower()), Simd128.InterleaveLow(a._value.GetUpper(), b._value.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 InterleaveHigh(Simd256 a, Simd256 b) => new(
        Avx.IsSupported ? Avx.UnpackHigh(a._value, b._value)
        : Vector256.Create(Simd128.InterleaveHigh(a._value.GetLower(), b._value.GetLower()), Simd128.InterleaveHigh(a._value.GetUpper(), b._value.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd256 a) => Simd128.Sum(Simd128.From(a._value.GetLower() + a._value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float HorizontalMax(Simd256 a) => Simd128.HorizontalMax(Simd128.From(Vector128.MaxNative(a._value.GetLower(), a._value.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Simd256 From(Vector256<float> value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 AtLeast(uint* words, uint limit) =>
        new(Vector256.GreaterThanOrEqual(Vector256.Load(words), Vector256.Create(limit)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LoadUniform(uint* source) => new(Vector256.ConvertToSingle((Vector256.Load(source) >>> 8).AsInt32()) * Vector256.Create(Philox.UnitScale));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Scale(Simd256 a, Simd256 n) => Avx512F.VL.IsSupported ? new(Avx512F.VL.Scale(a._value, n._value)) : Select(Less(n, Splat(-126)), Splat(0), a * PowerOfTwo(n));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 SplatBits(uint bits) => new(Vector256.Create(bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LoadShorts(ushort* source) => new(Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(Simd256 value, ushort* target) => Vector128.Narrow(value._value.GetLower().AsUInt32(), value._value.GetUpper().AsUInt32()).Store(target);

    public static Simd256 LoadShortsPartial(ushort* source, int count) =>
        new(Vector256.WidenLower(ShortLanes.Load(source, count).ToVector256Unsafe()).AsSingle());

    public static void StoreShortsPartial(Simd256 value, ushort* target, int count) =>
        ShortLanes.Store(Vector128.Narrow(value._value.GetLower().AsUInt32(), value._value.GetUpper().AsUInt32()), target, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator &(Simd256 a, Simd256 b) => new(a._value & b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator |(Simd256 a, Simd256 b) => new(a._value | b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator <<(Simd256 a, int count) => new((a._value.AsUInt32() << count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator >>>(Simd256 a, int count) => new((a._value.AsUInt32() >>> count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 AddBits(Simd256 a, Simd256 b) => new((a._value.AsUInt32() + b._value.AsUInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LessBits(Simd256 a, Simd256 b) => new(Vector256.LessThan(a._value.AsInt32(), b._value.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Below(int count) => new(Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle());
}
