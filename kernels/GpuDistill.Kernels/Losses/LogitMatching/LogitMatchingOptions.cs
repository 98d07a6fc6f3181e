namespace GpuDistill.Kernels;

/// <summary>The settings of <see cref="LogitMatching"/>.</summary>
public sealed record LogitMatchingOptions
{
    /// <summary>What the loss is multiplied by, finite and at least 0.</summary>
    public float Weight { get; init; } = 1;

    /// <summary>Takes each row's mean from its logits first, as the paper's limit assumes; off, the logits are matched as they are.</summary>
    public bool ZeroMean { get; init; } = true;

    /// <summary>How the rows' losses become one; <see cref="Reduction.Mean"/> and <see cref="Reduction.BatchMean"/> differ by rows with a bad label or teacher row only.</summary>
    public Reduction Reduction { get; init; } = Reduction.BatchMean;

    /// <summary>Divides the losses by this number instead of what <see cref="Reduction"/> says; finite and above 0.</summary>
    public float? Normalizer { get; init; }

    /// <summary>The label of an unlabelled row. Labels only count correct predictions here.</summary>
    public int IgnoreIndex { get; init; } = -100;
}
