namespace GpuDistill.Kernels;

// What stands before and after the pass over the rows, for every variant: a row's label and teacher row, and the totals.
public static partial class DistillationLoss
{
    /// <summary>What is to be done for a row, from its label and its teacher row alone.</summary>
    internal struct RowTask
    {
        // -1 for an unlabelled row.
        public int Class;
        public int TeacherRow;

        // The InvalidRowReason.
        public int Reason;

        // 0 for a row without an objective: invalid, or unlabelled where nothing soft is asked for.
        public int Works;
    }

    private static RowTask TaskOf(LossSettings settings, int label, int teacherRow)
    {
        // A negative number is a large one without its sign.
        bool labelled = label != settings.IgnoreIndex;
        bool known = (uint)label < (uint)settings.Columns;
        RowTask task = default;
        task.Class = labelled && known ? label : -1;
        task.TeacherRow = settings.Soft != 0 ? teacherRow : 0;
        if (labelled && !known)
            task.Reason = (int)InvalidRowReason.Label;
        else if ((uint)task.TeacherRow >= (uint)settings.TeacherCount)
            task.Reason = (int)InvalidRowReason.TeacherRow;
        if (task.Reason != 0)
            task.TeacherRow = 0;
        task.Works = task.Reason == 0 && (settings.Soft != 0 || task.Class >= 0) ? 1 : 0;
        return task;
    }

    internal static RowTask TaskOf<T>(Arguments<T> a, long row)
        where T : unmanaged =>
        TaskOf(
            a.Settings,
            a.HasLabels != 0 ? a.Labels[row] : a.Settings.IgnoreIndex,
            a.HasTeacherRows != 0 ? a.TeacherRows[row] : (int)row);

    // A batch's totals, of its unreduced sums.
    private static LossTotals TotalsOf<T>(Arguments<T> a, BatchSums sums, float softReduction, float hardReduction)
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

        /// <summary>Adds a row that comes after all that are in the sums.</summary>
        public static BatchSums Add(BatchSums sums, RowLoss loss, bool labelled, bool correct, int row)
        {
            sums.Soft += loss.Soft;
            sums.KlDivergence += loss.KlDivergence;
            sums.Hard += loss.Hard;
            sums.Labelled += labelled ? 1 : 0;
            sums.Correct += labelled && correct && loss.Reason == 0 ? 1 : 0;
            if (loss.Reason != 0 && sums.Reason == 0)
            {
                sums.FirstInvalid = row;
                sums.Reason = loss.Reason;
            }

            return sums;
        }

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
    }
}
