namespace GpuDistill.Kernels;

// What the portable kernel and the CUDA variant's do with a row, wherever its logits are: in registers, shared memory or parts. Made of
// what is in Passes/.
public static partial class DistillationLoss
{
    private static LossBatch BatchOf<T>(LossArguments<T> a)
        where T : unmanaged => new()
        {
            Settings = a.Settings,
            ClassWeights = a.ClassWeights,
            HasClassWeights = a.HasClassWeights,
            SoftReduction = LossArguments.SoftReductionOf(a),
            HardReduction = LossArguments.HardReductionOf(a),
        };

    // A row in registers whose sums are known, and, where the row is one for the passes of PlainPasses.cs, what its gradient is made of
    // in the place of its logits.
    private static Changed<TRow, RowSums> SumsOf<T, TAccess, TRow, TReduction>(
        LossBatch batch, RowTask task, RowSource<T> source, TRow logits, RowLabel label, RowTeam team)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction
    {
        TReduction reduction = default;
        RowRange range = RangeOf<T, TAccess, TRow>(batch, task, source, logits);
        range = reduction.Union(range, team, batch.Settings.SeeksFlatRows);
        bool flat = batch.Settings.SeeksFlatRows != 0 && RowRange.IsFlat(range, batch.Settings.InverseTemperature);
        Changed<TRow, RowSums> row = new() { Now = logits };
        if (flat || batch.Settings.Smoothing > 0)
            row.State = GeneralSums<T, TAccess>(batch, task, source, range, flat);
        else
            row = PlainSums<T, TAccess, TRow>(batch, source, logits, range);
        row.State = RowSums.Complete(reduction.Add(row.State, team, batch.Settings.Smoothing), range, flat, label);
        return row;
    }

    private static RowRange RangeOf<T, TAccess, TRow>(LossBatch batch, RowTask task, RowSource<T> source, TRow logits)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        MaximaPass maxima = new() { Class = task.Class };
        if (batch.Settings.SeeksFlatRows == 0)
            return logits.Fold<T, TAccess, RowRange, MaximaPass>(source, source.First, RowRange.Empty, maxima);
        RangePass<T, TAccess> pass = new() { Maxima = maxima, Columns = batch.Settings.Columns };
        return logits.Fold<T, TAccess, RowRange, RangePass<T, TAccess>>(source, source.First, RowRange.Empty, pass);
    }

    // The sums of a row, or of a part of one, that are to be joined with others.
    private static RowSums PartialSums<T, TAccess, TRow>(LossBatch batch, RowTask task, RowSource<T> source, TRow logits, RowRange range)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        RowSums sums = batch.Settings.Smoothing > 0
            ? GeneralSums<T, TAccess>(batch, task, source, range, flat: false)
            : PlainSums<T, TAccess, TRow>(batch, source, logits, range).State;
        sums.StudentMaximum = range.StudentMaximum;
        sums.TeacherMaximum = range.TeacherMaximum;
        return sums;
    }

    private static Changed<TRow, RowSums> PlainSums<T, TAccess, TRow>(LossBatch batch, RowSource<T> source, TRow logits, RowRange range)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        RowScales scales = RowScales.Of(range.StudentMaximum, range.TeacherMaximum, batch.Settings.InverseTemperature);
        PlainSums<T, TAccess> pass = new() { Scales = scales };
        Changed<TRow, RowSums> row = logits.Change<T, TAccess, RowSums, PlainSums<T, TAccess>>(source, source.First, default, pass);
        if (default(TAccess).IsWhole && !RowSums.IsFinite(row.State))
            row.State = WeighedProducts<T, TAccess>(source, row.State, scales);
        return row;
    }

    // What this thread has of the row is read again.
    private static RowSums WeighedProducts<T, TAccess>(RowSource<T> source, RowSums sums, RowScales scales)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        sums.Cross = 0;
        sums.Difference = 0;
        StreamedRow row = default;
        return row.Fold<T, TAccess, RowSums, WeighedProducts>(source, source.First, sums, new WeighedProducts { Scales = scales });
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

    // From a row's logits. A row without an objective has a gradient too: 0.
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

        PlainGradientOfLogits<T, TAccess> pass = new()
        {
            Gradient = PlainGradientOf<T, TAccess>(batch, task, loss, target),
            Scales = RowScales.Of(sums.StudentMaximum, sums.TeacherMaximum, batch.Settings.InverseTemperature),
            HasLoss = task.Works != 0 && loss.Reason == 0 ? 1 : 0,
        };
        logits.Fold<T, TAccess, int, PlainGradientOfLogits<T, TAccess>>(source, source.First, 0, pass);
    }

    // From what SumsOf leaves of a row.
    private static void StoreGradientOfTerms<T, TAccess, TRow>(
        LossBatch batch, RowTask task, RowSource<T> source, TRow terms, RowSums sums, RowLoss loss, GradientTarget<T> target)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        if (sums.Flat != 0 || batch.Settings.Smoothing > 0)
        {
            StoreGeneralGradient<T, TAccess>(batch, task, source, sums, loss, target);
            return;
        }

        if (task.Works == 0 || loss.Reason != 0)
            terms = default; // 0 times an infinity is none
        PlainGradient<T, TAccess> pass = PlainGradientOf<T, TAccess>(batch, task, loss, target);
        terms.Fold<T, TAccess, int, PlainGradient<T, TAccess>>(source, source.First, 0, pass);
    }

    private static PlainGradient<T, TAccess> PlainGradientOf<T, TAccess>(LossBatch batch, RowTask task, RowLoss loss, GradientTarget<T> target)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> => new()
        {
            Target = target,
            Scale = batch.Settings.InverseTemperature * Log2E,
            StudentFactor = loss.StudentFactor,
            TeacherFactor = loss.TeacherFactor,
            HardFactor = loss.HardFactor,
            LabelTerm = loss.LabelTerm,
            Class = task.Class,
        };

    private static void StoreGeneralGradient<T, TAccess>(
        LossBatch batch, RowTask task, RowSource<T> source, RowSums sums, RowLoss loss, GradientTarget<T> target)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        GeneralGradient<T, TAccess> pass = new() { Batch = batch, Target = target, Loss = loss, Sums = sums, Class = task.Class };
        StreamedRow row = default;
        row.Fold<T, TAccess, int, GeneralGradient<T, TAccess>>(source, source.First, 0, pass);
    }

    // Every thread reads the label's logits, before the first reduction and so before a gradient may lie over them: the student's with
    // those of its quad, of which the ones before it are no business of the range's.
    private static RowLabel LabelOf<T, TAccess>(LossBatch batch, RowTask task, RowSource<T> source)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        RowLabel label = new() { Class = task.Class, Weight = 1, Before = float.NegativeInfinity };
        if (task.Class >= 0)
        {
            TAccess access = default;
            int place = task.Class & (Quad.Length - 1);
            Quad quad = access.Widen(access.Read(source.Student, source.StudentStart, task.Class - place, batch.Settings.Columns));
            label.Student = quad.X;
            label = place > 0 ? RowLabel.Next(label, quad.Y) : label;
            label = place > 1 ? RowLabel.Next(label, quad.Z) : label;
            label = place > 2 ? RowLabel.Next(label, quad.W) : label;
            if (batch.Settings.Blend > 0)
                label.Teacher = access.LoadOne(source.Teacher, source.TeacherStart + task.Class);
            label.Weight = batch.WeightOrNaN(task.Class);
        }

        return label;
    }
}
