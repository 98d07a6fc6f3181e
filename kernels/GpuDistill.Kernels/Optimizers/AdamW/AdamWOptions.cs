namespace GpuDistill.Kernels;

/// <summary>The settings of <see cref="AdamW"/> that stay the same for a whole run.</summary>
public sealed record AdamWOptions
{
    /// <summary>The share of the mean gradient that a step keeps, at least 0 and below 1.</summary>
    /// <remarks>In double precision, since 1 - Beta is what counts and a float's 0.999 is off by 5e-5 of it.</remarks>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The share of the mean squared gradient that a step keeps, at least 0 and below 1.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the mean squared gradient, above 0.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>The share of a parameter that a step takes away, in units of the learning rate; at least 0.</summary>
    public float WeightDecay { get; init; } = 1e-2f;
}
