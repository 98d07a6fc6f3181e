using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

/// <summary>Activations and their derivatives on SIMD lanes; the formulas and errors of <see cref="ActivationMath"/>.</summary>
internal static class SimdActivation
{
    /// <summary>f(a).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Apply<F>(int activation, F a)
        where F : struct, ISimd<F> => activation switch
        {
            ActivationMath.Relu => F.Select(F.Less(a, F.Splat(0)), F.Splat(0), a),
            ActivationMath.Gelu => Gelu(a),
            ActivationMath.Tanh => Tanh(a),
            _ => a,
        };

    /// <summary>gradient * f'(a), from the output f(a) for ReLU and tanh, from a for GELU.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Backward<F>(int activation, F gradient, F output, F a)
        where F : struct, ISimd<F> => activation switch
        {
            ActivationMath.Relu => F.Select(F.Less(F.Splat(0), output), gradient, F.Splat(0)),
            ActivationMath.Gelu => gradient * GeluDerivative(a),
            ActivationMath.Tanh => gradient * (F.Splat(1) - (output * output)),
            _ => gradient,
        };

    private static F Gelu<F>(F a)
        where F : struct, ISimd<F>
    {
        F low = F.Splat(-ActivationMath.NormalLimit);
        F x = F.Select(F.Less(a, low), low, a); // -infinity times 0 would be NaN
        return x * Distribution(x, Bell(x));
    }

    private static F GeluDerivative<F>(F a)
        where F : struct, ISimd<F>
    {
        F high = F.Splat(ActivationMath.NormalLimit);
        F low = F.Splat(-ActivationMath.NormalLimit);
        F x = F.Select(F.Less(a, low), low, a);
        x = F.Select(F.Less(high, x), high, x);
        F bell = Bell(x);
        return F.Fma(x, bell * F.Splat(ActivationMath.InverseRootTwoPi), Distribution(x, bell));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F Bell<F>(F x)
        where F : struct, ISimd<F> => SimdMath.Exp(F.Splat(-0.5f) * x * x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F Distribution<F>(F x, F bell)
        where F : struct, ISimd<F>
    {
        F one = F.Splat(1);
        F t = one / F.Fma(F.Splat(ActivationMath.TailScale), F.Abs(x), one);
        F p = F.Fma(F.Splat(ActivationMath.Tail8), t, F.Splat(ActivationMath.Tail7));
        p = F.Fma(p, t, F.Splat(ActivationMath.Tail6));
        p = F.Fma(p, t, F.Splat(ActivationMath.Tail5));
        p = F.Fma(p, t, F.Splat(ActivationMath.Tail4));
        p = F.Fma(p, t, F.Splat(ActivationMath.Tail3));
        p = F.Fma(p, t, F.Splat(ActivationMath.Tail2));
        p = F.Fma(p, t, F.Splat(ActivationMath.Tail1));
        p = F.Fma(p, t, F.Splat(ActivationMath.Tail0));
        F tail = p * t * bell;
        return F.Select(F.Less(F.Splat(0), x), one - tail, tail);
    }

    private static F Tanh<F>(F a)
        where F : struct, ISimd<F>
    {
        F one = F.Splat(1);
        F limit = F.Splat(ActivationMath.TanhLimit);
        F x = F.Abs(a);
        x = F.Select(F.Less(limit, x), limit, x);
        F z = a * a;
        F q = F.Fma(F.Splat(ActivationMath.Tanh4), z, F.Splat(ActivationMath.Tanh3));
        q = F.Fma(q, z, F.Splat(ActivationMath.Tanh2));
        q = F.Fma(q, z, F.Splat(ActivationMath.Tanh1));
        q = F.Fma(q, z, F.Splat(ActivationMath.Tanh0));
        F large = one - (F.Splat(2) / (SimdMath.Exp(x + x) + one));
        large = F.Select(F.Less(a, F.Splat(0)), F.Splat(0) - large, large);
        return F.Select(F.Less(x, F.Splat(ActivationMath.TanhPolynomialLimit)), F.Fma(a * z, q, a), large);
    }
}
