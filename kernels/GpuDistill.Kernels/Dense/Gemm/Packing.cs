using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GpuDistill.Kernels;

/// <summary>
/// Copies parts of an operand into panels, in which the lanes of one term stand next to each other: element (p, lane) at
/// panel[p * width + lane]. Lanes beyond the operand's edge repeat its last lane or hold a neighbour's numbers; what is
/// computed from them is never stored.
/// </summary>
internal static unsafe class Packing<F>
    where F : struct, ISimd<F>
{
    /// <summary>Terms transposed at a time: a cache line of each source row.</summary>
    private const int Strip = 16;

    /// <summary>Packs an operand whose lanes are neighbours in memory: element (p, lane) at source[p * step + lane].</summary>
    /// <param name="source">The first lane of the first term.</param>
    /// <param name="end">The end of the operand's memory: whole vectors are read up to here.</param>
    /// <param name="step">Distance between two terms.</param>
    /// <param name="lanes">Lanes that exist.</param>
    /// <param name="width">Lanes of the panel, a multiple of 4.</param>
    /// <param name="terms">Terms.</param>
    /// <param name="panel">The panel.</param>
    [MethodImpl(SimdLoop.Alone)]
    public static void Copy(float* source, float* end, nint step, int lanes, int width, int terms, float* panel)
    {
        int vectors = width / F.Width;
        for (; terms > 0 && source + width <= end; terms--)
        {
            if (vectors * F.Width != width)
            {
                for (int i = 0; i < width; i += 4)
                    Vector128.Load(source + i).Store(panel + i);
            }
            else
            {
                for (int i = 0; i < width; i += F.Width)
                    F.Store(F.Load(source + i), panel + i);
            }

            source += step;
            panel += width;
        }

        for (; terms > 0; terms--)
        {
            for (int i = 0; i < width; i++)
                panel[i] = i < lanes ? source[i] : 0;
            source += step;
            panel += width;
        }
    }

    /// <summary>Packs an operand whose terms are neighbours in memory: element (p, lane) at source[lane * row + p].</summary>
    /// <param name="source">The first term of the first lane.</param>
    /// <param name="row">Distance between two lanes.</param>
    /// <param name="lanes">Lanes that exist.</param>
    /// <param name="width">Lanes of the panel, a multiple of 4.</param>
    /// <param name="terms">Terms.</param>
    /// <param name="panel">The panel.</param>
    [MethodImpl(SimdLoop.Alone)]
    public static void Transpose(float* source, nint row, int lanes, int width, int terms, float* panel)
    {
        for (int first = 0; first < terms; first += Strip)
        {
            int count = Math.Min(Strip, terms - first);
            float* target = panel + ((nint)first * width);
            int lane = 0;
            for (; F.Width > 8 && lane + F.Width <= lanes; lane += F.Width)
                TransposeLanes<F>(source + (lane * row) + first, row, count, target + lane, width);
            for (; F.Width >= 8 && lane + 8 <= lanes; lane += 8)
                TransposeLanes<Simd256>(source + (lane * row) + first, row, count, target + lane, width);
            for (; lane + 4 <= lanes; lane += 4)
                TransposeLanes<Simd128>(source + (lane * row) + first, row, count, target + lane, width);
            for (; lane < width; lane++)
            {
                float* last = source + (Math.Min(lane, lanes - 1) * row) + first;
                for (int p = 0; p < count; p++)
                    target[(p * width) + lane] = last[p];
            }
        }
    }

    // G.Width lanes of a strip, four terms at a time: quads of lanes are transposed side by side.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeLanes<G>(float* source, nint row, int count, float* target, int width)
        where G : struct, ISimd<G>
    {
        int p = 0;
        for (; p + 4 <= count; p += 4)
        {
            G r0 = G.LoadQuads(source + p, 4 * row);
            G r1 = G.LoadQuads(source + row + p, 4 * row);
            G r2 = G.LoadQuads(source + (2 * row) + p, 4 * row);
            G r3 = G.LoadQuads(source + (3 * row) + p, 4 * row);
            // Rows 0 and 2, and 1 and 3, are interleaved first, so that the second interleaving yields whole terms.
            G low02 = G.InterleaveLow(r0, r2);
            G high02 = G.InterleaveHigh(r0, r2);
            G low13 = G.InterleaveLow(r1, r3);
            G high13 = G.InterleaveHigh(r1, r3);
            G.Store(G.InterleaveLow(low02, low13), target);
            G.Store(G.InterleaveHigh(low02, low13), target + width);
            G.Store(G.InterleaveLow(high02, high13), target + (2 * width));
            G.Store(G.InterleaveHigh(high02, high13), target + (3 * width));
            target += 4 * width;
        }

        for (; p < count; p++)
        {
            for (int lane = 0; lane < G.Width; lane++)
                target[lane] = source[(lane * row) + p];
            target += width;
        }
    }
}
