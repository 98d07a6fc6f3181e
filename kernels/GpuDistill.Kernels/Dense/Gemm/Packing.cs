using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* source, nint row, int lanes, int width, int terms, float* panel)
    {
        for (int first = 0; first < terms; first += Strip)
        {
            int count = Math.Min(Strip, terms - first);
            for (int lane = 0; lane < width; lane += 4)
            {
                float* r0 = source + (Math.Min(lane, lanes - 1) * row) + first;
                float* r1 = source + (Math.Min(lane + 1, lanes - 1) * row) + first;
                float* r2 = source + (Math.Min(lane + 2, lanes - 1) * row) + first;
                float* r3 = source + (Math.Min(lane + 3, lanes - 1) * row) + first;
                float* target = panel + ((nint)first * width) + lane;
                int p = 0;
                for (; p + 4 <= count; p += 4)
                {
                    Transpose4(
                        Vector128.Load(r0 + p), Vector128.Load(r1 + p), Vector128.Load(r2 + p), Vector128.Load(r3 + p), target, width);
                    target += 4 * width;
                }

                for (; p < count; p++)
                {
                    target[0] = r0[p];
                    target[1] = r1[p];
                    target[2] = r2[p];
                    target[3] = r3[p];
                    target += width;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose4(
        Vector128<float> r0, Vector128<float> r1, Vector128<float> r2, Vector128<float> r3, float* target, int width)
    {
        // (r0, r2) and (r1, r3) are interleaved first, so that the second interleaving yields whole rows.
        Vector128<float> low02 = Low(r0, r2);
        Vector128<float> high02 = High(r0, r2);
        Vector128<float> low13 = Low(r1, r3);
        Vector128<float> high13 = High(r1, r3);
        Low(low02, low13).Store(target);
        High(low02, low13).Store(target + width);
        Low(high02, high13).Store(target + (2 * width));
        High(high02, high13).Store(target + (3 * width));
    }

    /// <summary>a0 b0 a1 b1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
            return Sse.UnpackLow(a, b);
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.ZipLow(a, b);
        return Vector128.Create(a.GetElement(0), b.GetElement(0), a.GetElement(1), b.GetElement(1));
    }

    /// <summary>a2 b2 a3 b3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
            return Sse.UnpackHigh(a, b);
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.ZipHigh(a, b);
        return Vector128.Create(a.GetElement(2), b.GetElement(2), a.GetElement(3), b.GetElement(3));
    }
}
