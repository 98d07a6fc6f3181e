namespace GpuDistill.Kernels;

/// <summary>The settings of <see cref="DistillationLoss"/>.</summary>
public sealed record DistillationOptions
{
    /// <summary>T of the soft objective, finite and above 0. The hard objective is always taken at T = 1.</summary>
    public float Temperature { get; init; } = 4;

    /// <summary>The weight of the cross entropy with the teacher's soft targets.</summary>
    public float SoftWeight { get; init; } = 0.9f;

    /// <summary>The weight of the cross entropy with the correct labels: considerably lower works best (section 2 of the paper).</summary>
    public float HardWeight { get; init; } = 0.1f;

    /// <summary>Multiplies the soft objective by T^2, so that a change of T leaves the two objectives' balance as it is.</summary>
    public bool ScaleByTemperatureSquared { get; init; } = true;

    /// <summary>The share of the hard target that is spread evenly over all classes, in [0, 1).</summary>
    public float LabelSmoothing { get; init; }

    /// <summary>
    /// The share of a labelled row's soft target that goes to the correct label, in [0, 1]: labels modify the soft targets
    /// instead of having an objective of their own.
    /// </summary>
    public float LabelBlend { get; init; }

    /// <summary>How the rows' losses become one.</summary>
    public Reduction Reduction { get; init; } = Reduction.BatchMean;

    /// <summary>
    /// Divides both objectives by this number instead of what <see cref="Reduction"/> says: the rows of the whole batch, say, when
    /// it is done in parts and gradients are accumulated. Finite and above 0; not with <see cref="Reduction.None"/>.
    /// </summary>
    public float? Normalizer { get; init; }

    /// <summary>The label of an unlabelled row.</summary>
    public int IgnoreIndex { get; init; } = -100;

    /// <summary>Whether hard losses are computed; where neither objective has a weight they still are.</summary>
    internal bool HasHard => HardWeight > 0 || !(SoftWeight > 0);
}
