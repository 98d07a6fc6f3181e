namespace GpuDistill.Kernels;

/// <summary>The function applied to each element of a dense layer's product.</summary>
public enum Activation
{
    /// <summary>f(a) = a.</summary>
    Identity,

    /// <summary>f(a) = max(a, 0), with derivative 0 at 0.</summary>
    Relu,

    /// <summary>f(a) = a Phi(a) with Phi the normal distribution function, exact (Hendrycks and Gimpel 2016), not the tanh form.</summary>
    Gelu,

    /// <summary>f(a) = tanh a.</summary>
    Tanh,
}
