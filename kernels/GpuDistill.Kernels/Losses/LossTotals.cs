namespace GpuDistill.Kernels;

/// <summary>
/// What a loss has to say about a batch, or summed over many: one element of device memory. All zeros is the start of a sum.
/// </summary>
public partial struct LossTotals
{
    /// <summary>The soft objective as reduced, unweighted; scaled by T^2 where that is on.</summary>
    public float Soft;

    /// <summary>The soft objective less the teacher's entropy, reduced and scaled alike: 0 at a perfect match.</summary>
    public float KlDivergence;

    /// <summary>The hard objective as reduced, unweighted.</summary>
    public float Hard;

    /// <summary>The weighted sum that the gradient belongs to.</summary>
    public float Total;

    /// <summary>Rows, invalid ones included.</summary>
    public long Rows;

    /// <summary>Rows with a label.</summary>
    public long Labelled;

    /// <summary>Labelled rows whose largest student logit is that of the label; of equal logits the first counts.</summary>
    public long Correct;

    /// <summary>1 + the number of the first invalid row, or 0.</summary>
    internal int InvalidRowPlusOne;

    /// <summary>The <see cref="InvalidRowReason"/> of that row.</summary>
    internal int InvalidReason;

    /// <summary>The first invalid row, or null: the row of the transfer set where rows are gathered, else of the batch.</summary>
    public readonly int? InvalidRow => InvalidRowPlusOne == 0 ? null : InvalidRowPlusOne - 1;

    /// <summary>Throws if a row was invalid and therefore left out.</summary>
    /// <exception cref="InvalidRowException">Names the first such row and what is wrong with it.</exception>
    public readonly void ThrowIfInvalid()
    {
        if (InvalidRow is int row)
            throw new InvalidRowException(row, (InvalidRowReason)InvalidReason);
    }
}
