using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

/// <summary>
/// Types of 16 bits in the SIMD lanes of the CPU variants: what differs is how lanes of bits become numbers and numbers bits.
/// </summary>
internal unsafe interface IShortLanes<TSelf> : ISimdStorage<ushort>
    where TSelf : struct, IShortLanes<TSelf>
{
    /// <summary>Numbers in single precision of the bits in the lower halves of the lanes; the upper halves are 0.</summary>
    static abstract F WidenLanes<F>(F bits)
        where F : struct, ISimd<F>;

    /// <summary>The nearest values' bits in the lower halves of the lanes; the upper halves may hold anything.</summary>
    static abstract F RoundLanes<F>(F value)
        where F : struct, ISimd<F>;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static F ISimdStorage<ushort>.Load<F>(ushort* source) => TSelf.WidenLanes(F.LoadShorts(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void ISimdStorage<ushort>.Store<F>(F value, ushort* target) => F.StoreShorts(TSelf.RoundLanes(value), target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static F ISimdStorage<ushort>.LoadPartial<F>(ushort* source, int count, float rest) =>
        F.Select(F.Below(count), TSelf.WidenLanes(F.LoadShortsPartial(source, count)), F.Splat(rest));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void ISimdStorage<ushort>.StorePartial<F>(F value, ushort* target, int count) =>
        F.StoreShortsPartial(TSelf.RoundLanes(value), target, count);
}
