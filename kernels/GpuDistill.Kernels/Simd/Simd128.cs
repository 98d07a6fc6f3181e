using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Fma3 = System.Runtime.Intrinsics.X86.Fma;

namespace GpuDistill.Kernels;

/// <summary>4 single-precision lanes.</summary>
internal readonly unsafe struct Simd128 : ISimd<Simd128>
{
    private readonly Vector128<float> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Simd128(Vector128<float> value) => _value = value;

    public static int Width => 4;

    private static bool Fused => Fma3.IsSupported || AdvSimd.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Splat(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Simd128 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreAlignedNonTemporal(Simd128 value, float* target) => value._value.StoreAlignedNonTemporal(target);

    public static Simd128 LoadPartial(float* source, int count, float rest)
    {
        if (Avx.IsSupported)
        {
            Vector128<float> below = Below(count)._value;
            return new(Vector128.ConditionalSelect(below, Avx.MaskLoad(source, below), Vector128.Create(rest)));
        }

        float* lanes = stackalloc float[4];
        for (int i = 0; i < 4; i++)
            lanes[i] = i < count ? source[i] : rest;
        return Load(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 LoadQuads(float* source, nint step) => Load(source);

    public static void StorePartial(Simd128 value, float* target, int count)
    {
        if (Avx.IsSupported)
        {
            Avx.MaskStore(target, Below(count)._value, value._value);
            return;
        }

        float* lanes = stackalloc float[4];
        Store(value, lanes);
        for (int i = 0; i < count; i++)
            target[i] = lanes[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 LoadBytes(byte* source) => new(Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(*(uint*)source).AsByte())).AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator +(Simd128 a, Simd128 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator -(Simd128 a, Simd128 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator *(Simd128 a, Simd128 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator /(Simd128 a, Simd128 b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Fma(Simd128 a, Simd128 b, Simd128 c) => new(Fused ? Vector128.FusedMultiplyAdd(a._value, b._value, c._value) : (a._value * b._value) + c._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Max(Simd128 a, Simd128 b) => new(Vector128.MaxNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Min(Simd128 a, Simd128 b) => new(Vector128.MinNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Abs(Simd128 a) => new(Vector128.Abs(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Sqrt(Simd128 a) => new(Vector128.Sqrt(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Round(Simd128 a) => new(Vector128.Round(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 PowerOfTwo(Simd128 n) => new(((Vector128.ConvertToInt32Native(n._value) + Vector128.Create(127)) << 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Less(Simd128 a, Simd128 b) => new(Vector128.LessThan(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 LessOrEqual(Simd128 a, Simd128 b) => new(Vector128.LessThanOrEqual(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 AreEqual(Simd128 a, Simd128 b) => new(Vector128.Equals(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Select(Simd128 mask, Simd128 a, Simd128 b) => new(Vector128.ConditionalSelect(mask._value, a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 InterleaveLow(Simd128 a, Simd128 b) => new(InterleaveLow(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 InterleaveHigh(Simd128 a, Simd128 b) => new(InterleaveHigh(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> InterleaveLow(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
            return Sse.UnpackLow(a, b);
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.ZipLow(a, b);
        return Vector128.Create(a.GetElement(0), b.GetElement(0), a.GetElement(1), b.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> InterleaveHigh(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
            return Sse.UnpackHigh(a, b);
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.ZipHigh(a, b);
        return Vector128.Create(a.GetElement(2), b.GetElement(2), a.GetElement(3), b.GetElement(3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd128 a)
    {
        Vector128<float> pairs = a._value + Vector128.Shuffle(a._value, Vector128.Create(2, 3, 0, 1));
        return pairs.GetElement(0) + pairs.GetElement(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float HorizontalMax(Simd128 a)
    {
        Vector128<float> pairs = Vector128.MaxNative(a._value, Vector128.Shuffle(a._value, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(pairs.GetElement(0), pairs.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Simd128 From(Vector128<float> value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 AtLeast(uint* words, uint limit) =>
        new(Vector128.GreaterThanOrEqual(Vector128.Load(words), Vector128.Create(limit)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 LoadUniform(uint* source) => new(Vector128.ConvertToSingle((Vector128.Load(source) >>> 8).AsInt32()) * Vector128.Create(Philox.UnitScale));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Scale(Simd128 a, Simd128 n) => Avx512F.VL.IsSupported ? new(Avx512F.VL.Scale(a._value, n._value)) : Select(Less(n, Splat(-126)), Splat(0), a * PowerOfTwo(n));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 SplatBits(uint bits) => new(Vector128.Create(bits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 LoadShorts(ushort* source) => new(Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)source).AsUInt16()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreShorts(Simd128 value, ushort* target) => *(ulong*)target = Vector128.Narrow(value._value.AsUInt32(), value._value.AsUInt32()).AsUInt64().ToScalar();

    public static Simd128 LoadShortsPartial(ushort* source, int count) =>
        new(Vector128.WidenLower(ShortLanes.Load(source, count)).AsSingle());

    public static void StoreShortsPartial(Simd128 value, ushort* target, int count) =>
        ShortLanes.Store(Vector128.Narrow(value._value.AsUInt32(), value._value.AsUInt32()), target, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator &(Simd128 a, Simd128 b) => new(a._value & b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator |(Simd128 a, Simd128 b) => new(a._value | b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator <<(Simd128 a, int count) => new((a._value.AsUInt32() << count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator >>>(Simd128 a, int count) => new((a._value.AsUInt32() >>> count).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 AddBits(Simd128 a, Simd128 b) => new((a._value.AsUInt32() + b._value.AsUInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 LessBits(Simd128 a, Simd128 b) => new(Vector128.LessThan(a._value.AsInt32(), b._value.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Below(int count) => new(Vector128.LessThan(Vector128<int>.Indices, Vector128.Create(count)).AsSingle());
}
