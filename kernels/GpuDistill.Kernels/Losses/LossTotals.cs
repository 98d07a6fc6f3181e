namespace GpuDistill.Kernels;

/// <summary>
/// What a loss has to say about a batch, or summed over many: one element of device memory. All zeros is the start of a sum.
/// Every loss, in every variant, counts alike.
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

    /// <summary>Rows whose label is a class, also where something else than the label makes the row invalid.</summary>
    public long Labelled;

    /// <summary>Valid labelled rows whose largest student logit is that of the label; of equal logits the first counts.</summary>
    public long Correct;

    /// <summary>1 + the number of the first invalid row, or 0.</summary>
    internal int InvalidRowPlusOne;

    /// <summary>The <see cref="InvalidRowReason"/> of that row.</summary>
    internal int InvalidReason;

    /// <summary>
    /// The first invalid row, or null: the row of the transfer set where rows are gathered, else of the batch; of the batch
    /// too where it is the row of the transfer set that does not exist.
    /// </summary>
    public readonly int? InvalidRow => InvalidRowPlusOne == 0 ? null : InvalidRowPlusOne - 1;

    /// <summary>Throws if a row was invalid and therefore left out.</summary>
    /// <exception cref="InvalidRowException">Names the first such row and what is wrong with it.</exception>
    public readonly void ThrowIfInvalid() => ThrowIfInvalid(null);

    /// <summary>The same where it is known what rows are numbered by: the batch, or the transfer set that they are gathered from.</summary>
    /// <param name="of">What the row is a row of, for the message; null says both that it may be.</param>
    /// <exception cref="InvalidRowException">Names the first such row and what is wrong with it.</exception>
    public readonly void ThrowIfInvalid(string? of)
    {
        if (InvalidRow is not int row)
            return;
        InvalidRowReason reason = (InvalidRowReason)InvalidReason;
        throw new InvalidRowException(row, reason, reason == InvalidRowReason.TeacherRow ? null : of); // that row is the batch's
    }

    /// <summary>The same where labels are at hand, so that one out of range is named by its value too.</summary>
    /// <param name="of">What the row is a row of, for the message; null says both that it may be.</param>
    /// <param name="labels">The labels, as rows are numbered: of the batch, or of the transfer set that they are gathered from.</param>
    /// <param name="classes">The number of classes.</param>
    /// <exception cref="InvalidRowException">Names the first such row and what is wrong with it.</exception>
    public readonly void ThrowIfInvalid(string? of, ReadOnlySpan<int> labels, int classes)
    {
        if (InvalidRow is int row && InvalidReason == (int)InvalidRowReason.Label && row < labels.Length && (uint)labels[row] >= (uint)classes)
            throw new InvalidRowException(row, labels[row], classes, of);
        ThrowIfInvalid(of);
    }

    /// <summary>Device code: both together; the first invalid row stays.</summary>
    internal static LossTotals Add(LossTotals running, LossTotals batch)
    {
        running.Soft += batch.Soft;
        running.KlDivergence += batch.KlDivergence;
        running.Hard += batch.Hard;
        running.Total += batch.Total;
        running.Rows += batch.Rows;
        running.Labelled += batch.Labelled;
        running.Correct += batch.Correct;
        if (running.InvalidRowPlusOne == 0)
        {
            running.InvalidRowPlusOne = batch.InvalidRowPlusOne;
            running.InvalidReason = batch.InvalidReason;
        }

        return running;
    }

    /// <summary>Device code: the number under which an invalid row of the batch is reported, for <see cref="InvalidRow"/>.</summary>
    internal static int NumberOf(int row, int teacherRow, int teacherCount) =>
        teacherRow >= 0 && teacherRow < teacherCount ? teacherRow : row;
}
