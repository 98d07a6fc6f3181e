using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GpuDistill.Kernels;

/// <summary>
/// A vector of 64-bit lanes whose lower halves are the words of <see cref="Philox"/>, so that one instruction yields the full
/// product of a word and a constant. What stands in the upper halves is never looked at.
/// </summary>
internal unsafe interface IPhiloxLanes<TSelf>
    where TSelf : struct, IPhiloxLanes<TSelf>
{
    /// <summary>The number of 64-bit lanes.</summary>
    static abstract int Count { get; }

    static abstract TSelf Splat(uint value);

    /// <summary>first, first + 2, first + 4, ...</summary>
    static abstract TSelf EverySecond(uint first);

    /// <summary>The 64-bit products of the lower halves.</summary>
    static abstract TSelf Multiply(TSelf a, TSelf b);

    /// <summary>(a >> 32) ^ b ^ c.</summary>
    static abstract TSelf UpperXor(TSelf a, TSelf b, TSelf c);

    /// <summary>Stores the lower halves as 32-bit words, alternately from <paramref name="even"/> and <paramref name="odd"/>.</summary>
    static abstract void Store(TSelf even, TSelf odd, uint* target);
}

/// <summary>8 lanes: AVX-512.</summary>
internal readonly unsafe struct PhiloxLanes512 : IPhiloxLanes<PhiloxLanes512>
{
    private readonly Vector512<ulong> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PhiloxLanes512(Vector512<ulong> value) => _value = value;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes512 Splat(uint value) => new(Vector512.Create((ulong)value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes512 EverySecond(uint first) =>
        new(Vector512.Create((ulong)first) + Vector512.Create(0UL, 2, 4, 6, 8, 10, 12, 14));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes512 Multiply(PhiloxLanes512 a, PhiloxLanes512 b) =>
        new(Avx512F.Multiply(a._value.AsUInt32(), b._value.AsUInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes512 UpperXor(PhiloxLanes512 a, PhiloxLanes512 b, PhiloxLanes512 c) =>
        new((a._value >> 32) ^ b._value ^ c._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(PhiloxLanes512 even, PhiloxLanes512 odd, uint* target) =>
        Vector512.ConditionalSelect(Vector512.Create((ulong)uint.MaxValue), even._value, odd._value << 32).AsUInt32().Store(target);
}

/// <summary>4 lanes: AVX2.</summary>
internal readonly unsafe struct PhiloxLanes256 : IPhiloxLanes<PhiloxLanes256>
{
    private readonly Vector256<ulong> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PhiloxLanes256(Vector256<ulong> value) => _value = value;

    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes256 Splat(uint value) => new(Vector256.Create((ulong)value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes256 EverySecond(uint first) =>
        new(Vector256.Create((ulong)first) + Vector256.Create(0UL, 2, 4, 6));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes256 Multiply(PhiloxLanes256 a, PhiloxLanes256 b) =>
        new(Avx2.Multiply(a._value.AsUInt32(), b._value.AsUInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes256 UpperXor(PhiloxLanes256 a, PhiloxLanes256 b, PhiloxLanes256 c) =>
        new((a._value >> 32) ^ b._value ^ c._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(PhiloxLanes256 even, PhiloxLanes256 odd, uint* target) =>
        Vector256.ConditionalSelect(Vector256.Create((ulong)uint.MaxValue), even._value, odd._value << 32).AsUInt32().Store(target);
}

/// <summary>2 lanes: SSE2.</summary>
internal readonly unsafe struct PhiloxLanes128 : IPhiloxLanes<PhiloxLanes128>
{
    private readonly Vector128<ulong> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PhiloxLanes128(Vector128<ulong> value) => _value = value;

    public static int Count => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes128 Splat(uint value) => new(Vector128.Create((ulong)value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes128 EverySecond(uint first) => new(Vector128.Create((ulong)first) + Vector128.Create(0UL, 2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes128 Multiply(PhiloxLanes128 a, PhiloxLanes128 b) =>
        new(Sse2.Multiply(a._value.AsUInt32(), b._value.AsUInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxLanes128 UpperXor(PhiloxLanes128 a, PhiloxLanes128 b, PhiloxLanes128 c) =>
        new((a._value >> 32) ^ b._value ^ c._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(PhiloxLanes128 even, PhiloxLanes128 odd, uint* target) =>
        Vector128.ConditionalSelect(Vector128.Create((ulong)uint.MaxValue), even._value, odd._value << 32).AsUInt32().Store(target);
}
