using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>What a distillation loss writes; whatever is left empty is not written.</summary>
/// <remarks>
/// The <c>View</c> of a buffer that was disposed is empty, and so is taken for one that was left out; a view that was taken before is refused.
/// </remarks>
/// <typeparam name="T">The type of the logits in memory.</typeparam>
public readonly record struct DistillationOutputs<T>
    where T : unmanaged
{
    /// <summary>The gradient of the total loss with respect to the student's logits, [N x C]; may be the student's logits themselves.</summary>
    public Matrix<T> Gradient { get; init; }

    /// <summary>[N]: the soft loss of each row, unweighted and unreduced; scaled by T^2 where that is on.</summary>
    public ArrayView<float> SoftLosses { get; init; }

    /// <summary>[N]: the hard loss of each row, unweighted and unreduced.</summary>
    public ArrayView<float> HardLosses { get; init; }

    /// <summary>[N]: the weighted sum for each row, unreduced.</summary>
    public ArrayView<float> TotalLosses { get; init; }

    /// <summary>[1]: this batch's totals.</summary>
    public ArrayView<LossTotals> Totals { get; init; }

    /// <summary>[1]: totals that this batch's are added to; zero it to start over.</summary>
    public ArrayView<LossTotals> Running { get; init; }
}
