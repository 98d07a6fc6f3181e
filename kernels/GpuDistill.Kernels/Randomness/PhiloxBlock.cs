using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace GpuDistill.Kernels;

/// <summary>
/// Draws for 64 neighbouring columns at once on the CPU: 16 counters of four words each, which is one block of the mapping
/// that <see cref="Philox"/> describes. The same bits as <see cref="Philox.Word"/>, whatever the width.
/// </summary>
internal static unsafe class PhiloxBlock
{
    public const int Columns = 64;

    private const int Counters = 16;

    /// <summary>
    /// Writes the words of columns 64 * <paramref name="block"/> and the 63 after it, with the widest vectors there are.
    /// </summary>
    public static void Fill(uint* words, ulong seed, uint stream, long step, uint row, uint block)
    {
        if (SimdSupport.Has(KernelVariant.Simd512))
            Fill<Simd512>(words, seed, stream, step, row, block);
        else if (SimdSupport.Has(KernelVariant.Simd256))
            Fill<Simd256>(words, seed, stream, step, row, block);
        else
            Fill<Simd128>(words, seed, stream, step, row, block);
    }

    /// <summary>The same with vectors of the width of <typeparamref name="F"/>, for launches that have one.</summary>
    public static void Fill<F>(uint* words, ulong seed, uint stream, long step, uint row, uint block)
        where F : struct, ISimd<F>
    {
        if (F.Width == 16 && Avx512F.IsSupported)
            Vectors<PhiloxLanes512>(words, seed, stream, step, row, block);
        else if (F.Width == 8 && Avx2.IsSupported)
            Vectors<PhiloxLanes256>(words, seed, stream, step, row, block);
        else if (Sse2.IsSupported)
            Vectors<PhiloxLanes128>(words, seed, stream, step, row, block);
        else
            Scalars(words, seed, stream, step, row, block);
    }

    /// <summary>One counter at a time, for processors without a vector product of 32 by 32 bits.</summary>
    internal static void Scalars(uint* words, ulong seed, uint stream, long step, uint row, uint block)
    {
        for (uint i = 0; i < Counters; i++)
        {
            Philox.Words drawn = Philox.Draw((block * Counters) + i, row, (uint)step, stream, (uint)seed, (uint)(seed >> 32));
            words[i] = drawn.W0;
            words[i + Counters] = drawn.W1;
            words[i + (2 * Counters)] = drawn.W2;
            words[i + (3 * Counters)] = drawn.W3;
        }
    }

    // Two vectors at a time, even and odd counters, which also hide each other's latency.
    [MethodImpl(SimdLoop.Alone)]
    private static void Vectors<V>(uint* words, ulong seed, uint stream, long step, uint row, uint block)
        where V : struct, IPhiloxLanes<V>
    {
        V multiplier0 = V.Splat(Philox.Multiplier0);
        V multiplier1 = V.Splat(Philox.Multiplier1);
        for (uint first = 0; first < Counters; first += 2 * (uint)V.Count)
        {
            V even0 = V.EverySecond((block * Counters) + first);
            V odd0 = V.EverySecond((block * Counters) + first + 1);
            V even1 = V.Splat(row);
            V odd1 = even1;
            V even2 = V.Splat((uint)step);
            V odd2 = even2;
            V even3 = V.Splat(stream);
            V odd3 = even3;
            uint key0 = (uint)seed;
            uint key1 = (uint)(seed >> 32);
            for (int round = 0; round < Philox.Rounds; round++)
            {
                V k0 = V.Splat(key0);
                V k1 = V.Splat(key1);
                V evenProduct0 = V.Multiply(even0, multiplier0);
                V oddProduct0 = V.Multiply(odd0, multiplier0);
                V evenProduct1 = V.Multiply(even2, multiplier1);
                V oddProduct1 = V.Multiply(odd2, multiplier1);
                even0 = V.UpperXor(evenProduct1, even1, k0);
                odd0 = V.UpperXor(oddProduct1, odd1, k0);
                even1 = evenProduct1;
                odd1 = oddProduct1;
                even2 = V.UpperXor(evenProduct0, even3, k1);
                odd2 = V.UpperXor(oddProduct0, odd3, k1);
                even3 = evenProduct0;
                odd3 = oddProduct0;
                key0 += Philox.Weyl0;
                key1 += Philox.Weyl1;
            }

            V.Store(even0, odd0, words + first);
            V.Store(even1, odd1, words + first + Counters);
            V.Store(even2, odd2, words + first + (2 * Counters));
            V.Store(even3, odd3, words + first + (3 * Counters));
        }
    }
}
