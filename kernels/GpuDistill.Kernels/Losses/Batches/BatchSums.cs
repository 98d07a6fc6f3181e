namespace GpuDistill.Kernels;

/// <summary>What the totals of a batch are made of, of some of its rows or all. A device struct.</summary>
internal struct BatchSums
{
    public float Soft;
    public float KlDivergence;
    public float Hard;
    public int Labelled;
    public int Correct;

    // The batch's number of rows where none is invalid.
    public int FirstInvalid;

    // That row's InvalidRowReason.
    public int Reason;

    public static BatchSums None(int rows) => new() { FirstInvalid = rows };

    public static BatchSums Of(RowRecord record, int row, int rows) => new()
    {
        Soft = record.Soft,
        KlDivergence = record.KlDivergence,
        Hard = record.Hard,
        Labelled = record.State & 1,
        Correct = (record.State >> 1) & 1,
        FirstInvalid = record.State >> 8 != 0 ? row : rows,
        Reason = record.State >> 8,
    };

    public static BatchSums Add(BatchSums a, BatchSums b)
    {
        a.Soft += b.Soft;
        a.KlDivergence += b.KlDivergence;
        a.Hard += b.Hard;
        a.Labelled += b.Labelled;
        a.Correct += b.Correct;
        if (b.FirstInvalid < a.FirstInvalid)
        {
            a.FirstInvalid = b.FirstInvalid;
            a.Reason = b.Reason;
        }

        return a;
    }

    /// <summary>A batch's totals, of its unreduced sums.</summary>
    public static LossTotals TotalsOf<T>(LossArguments<T> a, BatchSums sums, float softReduction, float hardReduction)
        where T : unmanaged
    {
        LossTotals totals = default;
        totals.Soft = sums.Soft * softReduction;
        totals.KlDivergence = sums.KlDivergence * softReduction;
        totals.Hard = sums.Hard * hardReduction;
        totals.Total = (a.Settings.SoftWeight * totals.Soft) + (a.Settings.HardWeight * totals.Hard);
        totals.Rows = a.Rows;
        totals.Labelled = sums.Labelled;
        totals.Correct = sums.Correct;
        if (sums.FirstInvalid < a.Rows)
        {
            totals.InvalidRowPlusOne = 1 + LossTotals.NumberOf(
                sums.FirstInvalid, a.HasTeacherRows != 0 ? a.TeacherRows[sums.FirstInvalid] : sums.FirstInvalid, a.Settings.TeacherCount);
            totals.InvalidReason = sums.Reason;
        }

        return totals;
    }
}

/// <summary>What a mean divides by: the rows that take part, and their labels' weights. A device struct.</summary>
internal struct BatchCounts
{
    public float Rows;
    public float Weights;
}
