using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: activations and their derivatives, with the coefficients that <see cref="SimdActivation"/> shares.
/// </summary>
/// <remarks>
/// The normal tail Phi(-|a|) = exp(-a^2/2) t P(t), t = 1 / (1 + 0.27 |a|), with P of degree 8 fitted at Chebyshev points:
/// relative error below 4e-8 from P, below 5e-7 in all for |a| up to 3 and 3e-6 up to 9, where the rounding of a^2/2 shows; Phi
/// itself is within 2e-7. tanh is x + x^3 Q(x^2) below 0.625 and 1 - 2 / (e^2x + 1) above, within 5e-7. PTX's tanh.approx, which
/// XMath.Tanh becomes, is wrong by 5e-4.
/// </remarks>
internal static class ActivationMath
{
    public const int Identity = (int)Activation.Identity;
    public const int Relu = (int)Activation.Relu;
    public const int Gelu = (int)Activation.Gelu;
    public const int Tanh = (int)Activation.Tanh;

    public const float TailScale = 0.27f;
    public const float Tail0 = 0.107716851f;
    public const float Tail1 = 0.107607827f;
    public const float Tail2 = 0.101344988f;
    public const float Tail3 = 0.0738826171f;
    public const float Tail4 = 0.103485696f;
    public const float Tail5 = -0.062870793f;
    public const float Tail6 = 0.164193228f;
    public const float Tail7 = -0.123755224f;
    public const float Tail8 = 0.0283948258f;

    /// <summary>1 / sqrt(2 pi).</summary>
    public const float InverseRootTwoPi = 0.398942280f;

    /// <summary>Beyond this, Phi is 0 or 1 and phi is 0 in single precision.</summary>
    public const float NormalLimit = 15;

    public const float TanhPolynomialLimit = 0.625f;

    /// <summary>Beyond this, tanh is 1 in single precision.</summary>
    public const float TanhLimit = 10;
    public const float Tanh0 = -0.333333284f;
    public const float Tanh1 = 0.133327827f;
    public const float Tanh2 = -0.0538524985f;
    public const float Tanh3 = 0.0210036412f;
    public const float Tanh4 = -0.006104948f;

    /// <summary>f(a).</summary>
    public static float Apply(int activation, float a)
    {
        float result = a;
        if (activation == Relu)
            result = a < 0 ? 0 : a; // NaN stays
        if (activation == Gelu)
            result = GeluOf(a);
        if (activation == Tanh)
            result = TanhOf(a);
        return result;
    }

    /// <summary>gradient * f'(a), from the output f(a) where that suffices (ReLU, tanh), else from a (GELU).</summary>
    public static float Backward(int activation, float gradient, float output, float a)
    {
        float result = gradient;
        if (activation == Relu)
            result = output > 0 ? gradient : 0;
        if (activation == Gelu)
            result = gradient * GeluDerivative(a);
        if (activation == Tanh)
            result = gradient * (1 - (output * output));
        return result;
    }

    private static float GeluOf(float a)
    {
        float x = a < -NormalLimit ? -NormalLimit : a; // -infinity times 0 would be NaN
        return x * Distribution(x, Bell(x));
    }

    private static float GeluDerivative(float a)
    {
        float x = a < -NormalLimit ? -NormalLimit : a;
        x = x > NormalLimit ? NormalLimit : x;
        float bell = Bell(x);
        return Distribution(x, bell) + (x * bell * InverseRootTwoPi);
    }

    /// <summary>exp(-x^2/2).</summary>
    private static float Bell(float x) => XMath.Exp(-0.5f * x * x);

    /// <summary>Phi(x).</summary>
    private static float Distribution(float x, float bell)
    {
        float t = 1 / (1 + (TailScale * XMath.Abs(x)));
        float p = (Tail8 * t) + Tail7;
        p = (p * t) + Tail6;
        p = (p * t) + Tail5;
        p = (p * t) + Tail4;
        p = (p * t) + Tail3;
        p = (p * t) + Tail2;
        p = (p * t) + Tail1;
        p = (p * t) + Tail0;
        float tail = p * t * bell;
        return x > 0 ? 1 - tail : tail;
    }

    private static float TanhOf(float a)
    {
        float x = XMath.Abs(a);
        x = x > TanhLimit ? TanhLimit : x;
        float z = a * a;
        float q = (Tanh4 * z) + Tanh3;
        q = (q * z) + Tanh2;
        q = (q * z) + Tanh1;
        q = (q * z) + Tanh0;
        float large = 1 - (2 / (XMath.Exp(2 * x) + 1));
        large = a < 0 ? -large : large;
        return x < TanhPolynomialLimit ? a + (a * z * q) : large;
    }
}
