namespace GpuDistill.Kernels;

// What the portable kernel and the CUDA variant's do with a row, wherever its logits are: in registers, shared memory or parts. Made of
// what is in Passes/.
public static partial class DistillationLoss
{
    private static LossBatch BatchOf<T>(Arguments<T> a)
        where T : unmanaged => new()
        {
            Settings = a.Settings,
            ClassWeights = a.ClassWeights,
            HasClassWeights = a.HasClassWeights,
            SoftReduction = SoftReductionOf(a),
            HardReduction = HardReductionOf(a),
        };

    // The sums of a row that a team has: its range first, then the sums relative to the maxima.
    private static RowSums SumsOf<T, TAccess, TRow, TReduction>(
        LossBatch batch, RowTask task, RowSource<T> source, TRow logits, RowTeam team)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction
    {
        TReduction reduction = default;
        RowRange range = reduction.Union(RangeOf<T, TAccess, TRow>(batch, source, logits), team);
        bool flat = batch.Settings.SeeksFlatRows != 0 && RowRange.IsFlat(range, batch.Settings.InverseTemperature);
        RowSums sums = flat || batch.Settings.Smoothing > 0
            ? GeneralSums<T, TAccess>(batch, task, source, range, flat)
            : PlainSums<T, TAccess, TRow>(batch, source, logits, range);
        sums = reduction.Add(sums, team);
        sums.StudentMaximum = range.StudentMaximum;
        sums.TeacherMaximum = range.TeacherMaximum;
        sums.Flat = flat ? 1 : 0;
        return sums;
    }

    private static RowRange RangeOf<T, TAccess, TRow>(LossBatch batch, RowSource<T> source, TRow logits)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        if (batch.Settings.SeeksFlatRows == 0)
            return logits.Fold<T, TAccess, RowRange, MaximaPass>(source, source.First, RowRange.Empty, default);
        RangePass<T, TAccess> pass = new() { Columns = batch.Settings.Columns };
        return logits.Fold<T, TAccess, RowRange, RangePass<T, TAccess>>(source, source.First, RowRange.Empty, pass);
    }

    private static RowSums PlainSums<T, TAccess, TRow>(LossBatch batch, RowSource<T> source, TRow logits, RowRange range)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        PlainSums<T, TAccess> pass = new()
        {
            Scale = batch.Settings.InverseTemperature * Log2E,
            StudentMaximum = range.StudentMaximum,
            TeacherMaximum = range.TeacherMaximum,
            Columns = batch.Settings.Columns,
        };
        return logits.Fold<T, TAccess, RowSums, PlainSums<T, TAccess>>(source, source.First, default, pass);
    }

    private static RowSums GeneralSums<T, TAccess>(LossBatch batch, RowTask task, RowSource<T> source, RowRange range, bool flat)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        GeneralSums<T, TAccess> pass = new()
        {
            Batch = batch,
            Range = range,
            Hard = batch.Settings.Hard != 0 && task.Class >= 0 ? 1 : 0,
            Flat = flat ? 1 : 0,
        };
        StreamedRow row = default;
        return row.Fold<T, TAccess, RowSums, GeneralSums<T, TAccess>>(source, source.First, default, pass);
    }

    private static RowLoss LossOf(LossBatch batch, RowTask task, RowSums sums, RowLabel label)
    {
        RowLoss loss = RowLoss.Invalid((InvalidRowReason)task.Reason);
        if (task.Works != 0)
            loss = RowLoss.Of(batch.Settings, sums, label, batch.SoftReduction, batch.HardReduction);
        return loss;
    }

    // A row without an objective has a gradient too: 0.
    private static void StoreGradient<T, TAccess, TRow>(
        LossBatch batch, RowTask task, RowSource<T> source, TRow logits, RowSums sums, RowLoss loss, GradientTarget<T> target)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        if (sums.Flat != 0 || batch.Settings.Smoothing > 0)
        {
            StoreGeneralGradient<T, TAccess>(batch, task, source, sums, loss, target);
            return;
        }

        PlainGradient<T, TAccess> plain = new()
        {
            Target = target,
            Scale = batch.Settings.InverseTemperature * Log2E,
            StudentMaximum = sums.StudentMaximum,
            TeacherMaximum = sums.TeacherMaximum,
            StudentFactor = loss.StudentFactor,
            TeacherFactor = loss.TeacherFactor,
            HardFactor = loss.HardFactor,
            LabelTerm = loss.LabelTerm,
            Class = task.Class,
            HasLoss = task.Works != 0 && loss.Reason == 0 ? 1 : 0,
        };
        logits.Fold<T, TAccess, int, PlainGradient<T, TAccess>>(source, source.First, 0, plain);
    }

    private static void StoreGeneralGradient<T, TAccess>(
        LossBatch batch, RowTask task, RowSource<T> source, RowSums sums, RowLoss loss, GradientTarget<T> target)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        GeneralGradient<T, TAccess> pass = new() { Batch = batch, Target = target, Loss = loss, Sums = sums, Class = task.Class };
        StreamedRow row = default;
        row.Fold<T, TAccess, int, GeneralGradient<T, TAccess>>(source, source.First, 0, pass);
    }

    // Every thread reads the label's logits, before the first reduction and so before a gradient may lie over them.
    private static RowLabel LabelOf<T, TAccess>(LossBatch batch, RowTask task, RowSource<T> source)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        RowLabel label = new() { Class = task.Class, Weight = 1, Student = 0, Teacher = 0 };
        if (task.Class >= 0)
        {
            TAccess access = default;
            label.Student = access.LoadOne(source.Student, source.StudentStart + task.Class);
            if (batch.Settings.Blend > 0)
                label.Teacher = access.LoadOne(source.Teacher, source.TeacherStart + task.Class);
            label.Weight = batch.ClassWeight(task.Class);
        }

        return label;
    }
}
