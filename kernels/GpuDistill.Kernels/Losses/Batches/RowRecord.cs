namespace GpuDistill.Kernels;

/// <summary>What the totals need of one row. A device struct.</summary>
internal struct RowRecord
{
    public float Soft;
    public float KlDivergence;
    public float Hard;

    // Bit 0: labelled; bit 1: predicted right; from bit 8: the reason why it is invalid.
    public int State;

    /// <summary>Whether a row is labelled and predicted right, and the <see cref="InvalidRowReason"/>.</summary>
    public static int StateOf(bool labelled, bool correct, int reason) =>
        (labelled ? 1 : 0) + (correct && reason == 0 ? 2 : 0) + (reason << 8);

    /// <summary>Writes all that is asked of a row, for the record of which there is room.</summary>
    public static void Store<T>(LossArguments<T> a, long row, RowRecord record)
        where T : unmanaged
    {
        a.Records[row] = record;
        StoreLosses(a, row, record.Soft, record.Hard);
    }

    /// <summary>Writes a row's losses where they are asked for.</summary>
    public static void StoreLosses<T>(LossArguments<T> a, long row, float soft, float hard)
        where T : unmanaged
    {
        if (a.HasSoftLosses != 0)
            a.SoftLosses[row] = soft;
        if (a.HasHardLosses != 0)
            a.HardLosses[row] = hard;
        if (a.HasTotalLosses != 0)
            a.TotalLosses[row] = (a.Settings.SoftWeight * soft) + (a.Settings.HardWeight * hard);
    }
}
