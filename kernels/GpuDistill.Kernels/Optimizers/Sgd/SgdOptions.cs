namespace GpuDistill.Kernels;

/// <summary>The settings of <see cref="Sgd"/> that stay the same for a whole run.</summary>
public sealed record SgdOptions
{
    /// <summary>The share of the velocity that is kept, at least 0 and below 1. At 0 there is no velocity.</summary>
    public float Momentum { get; init; } = 0.9f;

    /// <summary>Looks ahead along the velocity (Nesterov); needs momentum.</summary>
    public bool Nesterov { get; init; }

    /// <summary>The factor of the L2 penalty's gradient, at least 0: the gradient becomes g + WeightDecay * w.</summary>
    public float WeightDecay { get; init; }
}
