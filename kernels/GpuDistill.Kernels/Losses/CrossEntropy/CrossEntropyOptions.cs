namespace GpuDistill.Kernels;

/// <summary>The settings of <see cref="CrossEntropy"/>; they mean what they mean in <see cref="DistillationOptions"/>.</summary>
public sealed record CrossEntropyOptions
{
    /// <summary>The share of the target that is spread evenly over all classes, in [0, 1).</summary>
    public float LabelSmoothing { get; init; }

    /// <summary>How the rows' losses become one.</summary>
    public Reduction Reduction { get; init; } = Reduction.BatchMean;

    /// <summary>Divides the losses by this number instead of what <see cref="Reduction"/> says; finite and above 0.</summary>
    public float? Normalizer { get; init; }

    /// <summary>The label of an unlabelled row.</summary>
    public int IgnoreIndex { get; init; } = -100;
}
