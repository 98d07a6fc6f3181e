using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

// What stands before and after the pass over the rows: a row's label and teacher row, the counts behind Reduction.Mean, and
// the totals.
public static partial class DistillationLoss
{
    /// <summary>What is to be done for a row, from its label and its teacher row alone.</summary>
    private struct RowTask
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
        RowTask task = default;
        task.Class = label == settings.IgnoreIndex ? -1 : label;
        task.TeacherRow = settings.Soft != 0 ? teacherRow : 0;
        if (label != settings.IgnoreIndex && (label < 0 || label >= settings.Columns))
        {
            task.Reason = (int)InvalidRowReason.Label;
            task.Class = -1;
        }
        else if (task.TeacherRow < 0 || task.TeacherRow >= settings.TeacherCount)
        {
            task.Reason = (int)InvalidRowReason.TeacherRow;
        }

        if (task.Reason != 0)
            task.TeacherRow = 0;
        task.Works = task.Reason == 0 && (settings.Soft != 0 || task.Class >= 0) ? 1 : 0;
        return task;
    }

    private static RowTask TaskOf<T>(Arguments<T> a, long row)
        where T : unmanaged =>
        TaskOf(
            a.Settings,
            a.HasLabels != 0 ? a.Labels[row] : a.Settings.IgnoreIndex,
            a.HasTeacherRows != 0 ? a.TeacherRows[row] : (int)row);

    // Adds a batch's totals, as unreduced sums, to a buffer's.
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
            totals.InvalidReason = a.Records[sums.FirstInvalid].State >> 8;
        }

        return totals;
    }

    private static LossTotals Sum(LossTotals running, LossTotals batch) => LossTotals.Add(running, batch);

    // One group: the reductions' scales, 1 over the rows that take part and 1 over the labelled rows' weights.
    [KernelEntry]
    internal static void CountKernel<T>(Arguments<T> a)
        where T : unmanaged
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(RowTeam.MaxGroupSize);
        RowTeam team = new(Group.DimX);
        float rows = 0;
        float weights = 0;
        for (int row = Group.IdxX; row < a.Rows; row += Group.DimX)
        {
            RowTask task = TaskOf(a, row);
            rows += task.Works;
            if (task.Works != 0 && task.Class >= 0)
                weights += a.HasClassWeights != 0 ? a.ClassWeights[task.Class] : 1;
        }

        rows = team.Sum(rows, scratch);
        weights = team.Sum(weights, scratch);
        if (Group.IdxX == 0)
        {
            a.Scales[0] = rows > 0 ? 1 / rows : 0;
            a.Scales[1] = weights > 0 ? 1 / weights : 0;
        }
    }

    // One group: sums the rows' records, each thread in order, then the threads as a tree.
    [KernelEntry]
    internal static void TotalsKernel<T>(Arguments<T> a)
        where T : unmanaged
    {
        ArrayView<BatchSums> scratch = SharedMemory.Allocate<BatchSums>(RowTeam.MaxGroupSize);
        BatchSums sums = default;
        sums.FirstInvalid = a.Rows;
        int block = Group.DimX * SumsPerBlock;
        for (int start = 0; start < a.Rows; start += block)
        {
            int end = XMath.Min(a.Rows - start, block) + start;
            BatchSums part = default;
            part.FirstInvalid = a.Rows;
            for (int row = start + Group.IdxX; row < end; row += Group.DimX)
                part = BatchSums.Add(part, BatchSums.Of(a.Records[row], row, a.Rows));
            sums = BatchSums.Add(sums, part);
        }

        scratch[Group.IdxX] = sums;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (Group.IdxX < half)
                scratch[Group.IdxX] = BatchSums.Add(scratch[Group.IdxX], scratch[Group.IdxX + half]);
            Group.Barrier();
        }

        if (Group.IdxX == 0)
        {
            float softReduction = a.Settings.Counts != 0 ? a.Scales[0] : a.Settings.SoftReduction;
            float hardReduction = a.Settings.Counts != 0 ? a.Scales[1] : a.Settings.HardReduction;
            LossTotals totals = TotalsOf(a, scratch[0], softReduction, hardReduction);
            if (a.HasTotals != 0)
                a.Totals[0] = totals;
            if (a.HasRunning != 0)
                a.Running[0] = Sum(a.Running[0], totals);
        }
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

        public static BatchSums Of(RowRecord record, int row, int rows) => new()
        {
            Soft = record.Soft,
            KlDivergence = record.KlDivergence,
            Hard = record.Hard,
            Labelled = record.State & 1,
            Correct = (record.State >> 1) & 1,
            FirstInvalid = record.State >> 8 != 0 ? row : rows,
        };

        public static BatchSums Add(BatchSums a, BatchSums b)
        {
            a.Soft += b.Soft;
            a.KlDivergence += b.KlDivergence;
            a.Hard += b.Hard;
            a.Labelled += b.Labelled;
            a.Correct += b.Correct;
            if (b.FirstInvalid < a.FirstInvalid)
                a.FirstInvalid = b.FirstInvalid;
            return a;
        }
    }

    // What passes between the launches, and stand-ins for buffers that were left out: no view of a kernel is ever empty.
    private sealed class PortableWorkspace(Accelerator accelerator, int rows) : IDisposable
    {
        private readonly MemoryBuffer1D<RowRecord, Stride1D.Dense> _records = accelerator.Allocate1D<RowRecord>(rows);
        private readonly MemoryBuffer1D<float, Stride1D.Dense> _scales = accelerator.Allocate1D<float>(2);
        private readonly MemoryBuffer1D<int, Stride1D.Dense> _integers = accelerator.Allocate1D<int>(1);
        private readonly MemoryBuffer1D<LossTotals, Stride1D.Dense> _totals = accelerator.Allocate1D<LossTotals>(1);

        public Arguments<T> Complete<T>(Arguments<T> a)
            where T : unmanaged
        {
            a.Records = _records.View;
            a.Scales = _scales.View;
            a.TeacherRows = OrElse(a.TeacherRows, _integers.View);
            a.Labels = OrElse(a.Labels, _integers.View);
            a.ClassWeights = OrElse(a.ClassWeights, _scales.View);
            a.SoftLosses = OrElse(a.SoftLosses, _scales.View);
            a.HardLosses = OrElse(a.HardLosses, _scales.View);
            a.TotalLosses = OrElse(a.TotalLosses, _scales.View);
            a.Totals = OrElse(a.Totals, _totals.View);
            a.Running = OrElse(a.Running, _totals.View);
            a.Teacher = OrElse(a.Teacher, a.Student);
            a.Gradient = OrElse(a.Gradient, a.Student);
            return a;
        }

        public void Dispose()
        {
            _records.Dispose();
            _scales.Dispose();
            _integers.Dispose();
            _totals.Dispose();
        }

        private static ArrayView<T> OrElse<T>(ArrayView<T> view, ArrayView<T> standIn)
            where T : unmanaged =>
            view.Length > 0 ? view : standIn;
    }
}
