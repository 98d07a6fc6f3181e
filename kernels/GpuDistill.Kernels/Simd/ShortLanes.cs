using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GpuDistill.Kernels;

/// <summary>Up to eight words of 16 bits, where the processor has no masks for them.</summary>
internal static unsafe class ShortLanes
{
    // Put together in registers: a vector read back from memory that was written in pieces waits for all of them.
    public static Vector128<ushort> Load(ushort* source, int count) => Vector128.Create(
        Four(source, count),
        Four(source + 4, count - 4)).AsUInt16();

    public static void Store(Vector128<ushort> value, ushort* target, int count)
    {
        Vector128<ulong> fours = value.AsUInt64();
        StoreFour(fours.ToScalar(), target, count);
        StoreFour(fours.GetElement(1), target + 4, count - 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Four(ushort* source, int count)
    {
        if (count >= 4)
            return *(ulong*)source;
        ulong all = 0;
        for (int i = Math.Max(count, 0) - 1; i >= 0; i--)
            all = (all << 16) | source[i];
        return all;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(ulong four, ushort* target, int count)
    {
        if (count >= 4)
        {
            *(ulong*)target = four;
            return;
        }

        for (int i = 0; i < count; i++, four >>= 16)
            target[i] = (ushort)four;
    }
}
