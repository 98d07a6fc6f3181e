using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

/// <summary>Elementary functions on SIMD lanes.</summary>
internal static class SimdMath
{
    /// <summary>Below this, exp is flushed to zero: the results there are denormal.</summary>
    private const float ExpMin = -87.33654f;

    /// <summary>
    /// Effectively computes e^x for x at most 88: range reduction x = n ln 2 + r with |r| at most ln 2 / 2 and a polynomial of
    /// degree 6 (Cephes' expf). Error below 2 ulp; exactly 0 below -87.33 and for -infinity; NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Exp<F>(F x)
        where F : struct, ISimd<F>
    {
        F n = F.Round(x * F.Splat(1.44269504f));
        F r = F.Fma(n, F.Splat(-0.693359375f), x);
        r = F.Fma(n, F.Splat(2.12194440e-4f), r);
        F p = F.Fma(F.Splat(1.9875691500e-4f), r, F.Splat(1.3981999507e-3f));
        p = F.Fma(p, r, F.Splat(8.3334519073e-3f));
        p = F.Fma(p, r, F.Splat(4.1665795894e-2f));
        p = F.Fma(p, r, F.Splat(1.6666665459e-1f));
        p = F.Fma(p, r, F.Splat(5.0000001201e-1f));
        p = F.Fma(p, r * r, r + F.Splat(1));
        return F.Select(F.Less(x, F.Splat(ExpMin)), F.Splat(0), p * F.PowerOfTwo(n));
    }
}
