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

    /// <summary>
    /// Effectively computes log(1 + x) for x from 0 to 1: 2 artanh(u) with u = x / (2 + x), at most 1/3, as a polynomial of
    /// degree 15. Relative error below 3 ulp also for the smallest x; NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F LogOnePlus<F>(F x)
        where F : struct, ISimd<F>
    {
        F u = x / (x + F.Splat(2));
        F s = u * u;
        F p = F.Fma(F.Splat(2f / 15), s, F.Splat(2f / 13));
        p = F.Fma(p, s, F.Splat(2f / 11));
        p = F.Fma(p, s, F.Splat(2f / 9));
        p = F.Fma(p, s, F.Splat(2f / 7));
        p = F.Fma(p, s, F.Splat(2f / 5));
        p = F.Fma(p, s, F.Splat(2f / 3));
        return u * F.Fma(p, s, F.Splat(2));
    }

    /// <summary>
    /// Effectively computes 2^x for x at most 127: 2^n times a polynomial of degree 5 on [-1/2, 1/2] (minimax of the relative
    /// error, 9.2e-8, with 2^0 exact). Error below 2 ulp; 0 for x far below -126 and for -infinity; NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Exp2<F>(F x)
        where F : struct, ISimd<F>
    {
        x = F.Max(F.Splat(-200), x); // in this order a NaN stays on x86 (its second operand) as it does on Arm
        F n = F.Round(x);
        F f = x - n;
        F p = F.Fma(F.Splat(1.3264727e-3f), f, F.Splat(9.6715129e-3f));
        p = F.Fma(p, f, F.Splat(5.5507337e-2f));
        p = F.Fma(p, f, F.Splat(0.24022242f));
        p = F.Fma(p, f, F.Splat(0.69314698f));
        p = F.Fma(p, f, F.Splat(1));
        return F.Scale(p, n);
    }

    /// <summary>Effectively computes e^x - 1 for |x| at most 1/2, to a relative error of a few ulp however small x is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Expm1Half<F>(F x)
        where F : struct, ISimd<F>
    {
        F p = F.Fma(F.Splat(1.9849810e-4f), x, F.Splat(1.3996176e-3f));
        p = F.Fma(p, x, F.Splat(8.3335790e-3f));
        p = F.Fma(p, x, F.Splat(4.1665359e-2f));
        p = F.Fma(p, x, F.Splat(0.16666664f));
        p = F.Fma(p, x, F.Splat(0.50000004f));
        return F.Fma(p, x * x, x);
    }

    /// <summary>Effectively computes e^x - 1 - x for |x| at most 1/2, as RowLoss.ExcessHalf does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F ExcessHalf<F>(F x)
        where F : struct, ISimd<F>
    {
        F p = F.Fma(F.Splat(1f / 40320), x, F.Splat(1f / 5040));
        p = F.Fma(p, x, F.Splat(1f / 720));
        p = F.Fma(p, x, F.Splat(1f / 120));
        p = F.Fma(p, x, F.Splat(1f / 24));
        p = F.Fma(p, x, F.Splat(1f / 6));
        p = F.Fma(p, x, F.Splat(0.5f));
        return p * x * x;
    }
}
