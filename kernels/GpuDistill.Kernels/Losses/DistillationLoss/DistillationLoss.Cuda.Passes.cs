namespace GpuDistill.Kernels;

// The passes of the CUDA variant's kernel, made of their parts in Cuda/, and what goes before them.
public static partial class DistillationLoss
{
    private static RowSums CudaPlainSums<T, TAccess, TRow>(Arguments<T> a, RowSource<T> source, TRow logits, RowRange range, RowTask task)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        PlainSums<T, TAccess> pass = new()
        {
            Scale = a.Settings.InverseTemperature * Log2E,
            StudentMaximum = range.StudentMaximum,
            TeacherMaximum = range.TeacherMaximum,
            Columns = a.Settings.Columns,
            Class = task.Class,
        };
        return logits.Fold<T, TAccess, RowSums, PlainSums<T, TAccess>>(source, source.First, default, pass);
    }

    private static RowSums CudaGeneralSums<T, TAccess>(Arguments<T> a, RowSource<T> source, RowRange range, RowTask task, bool flat)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        GeneralSums<T, TAccess> pass = new()
        {
            Settings = a.Settings,
            Range = range,
            ClassWeights = a.ClassWeights,
            HasClassWeights = a.HasClassWeights,
            Class = task.Class,
            Hard = a.Settings.Hard != 0 && task.Class >= 0 ? 1 : 0,
            Flat = flat ? 1 : 0,
        };
        StreamedRow row = default;
        return row.Fold<T, TAccess, RowSums, GeneralSums<T, TAccess>>(source, source.First, default, pass);
    }

    private static void CudaPlainGradient<T, TAccess, TRow>(
        Arguments<T> a, RowSource<T> source, TRow logits, RowSums sums, RowLoss loss, RowTask task)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        PlainGradient<T, TAccess> pass = new()
        {
            Target = TargetOf(a, source),
            Scale = a.Settings.InverseTemperature * Log2E,
            StudentMaximum = sums.StudentMaximum,
            TeacherMaximum = sums.TeacherMaximum,
            StudentFactor = loss.StudentFactor,
            TeacherFactor = loss.TeacherFactor,
            HardFactor = loss.HardFactor,
            LabelTerm = loss.LabelTerm,
            Class = task.Class,
        };
        logits.Fold<T, TAccess, int, PlainGradient<T, TAccess>>(source, source.First, 0, pass);
    }

    private static void CudaGeneralGradient<T, TAccess>(Arguments<T> a, RowSource<T> source, RowSums sums, RowLoss loss, RowTask task)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        GeneralGradient<T, TAccess> pass = new()
        {
            Target = TargetOf(a, source),
            Settings = a.Settings,
            Loss = loss,
            Sums = sums,
            ClassWeights = a.ClassWeights,
            HasClassWeights = a.HasClassWeights,
            Class = task.Class,
        };
        StreamedRow row = default;
        row.Fold<T, TAccess, int, GeneralGradient<T, TAccess>>(source, source.First, 0, pass);
    }

    private static GradientTarget<T> TargetOf<T>(Arguments<T> a, RowSource<T> source)
        where T : unmanaged =>
        new() { Gradient = a.Gradient, Start = source.StudentStart, Columns = a.Settings.Columns };

    private static RowRange EmptyRange() => new()
    {
        StudentMaximum = float.NegativeInfinity,
        StudentMinimum = float.PositiveInfinity,
        TeacherMaximum = float.NegativeInfinity,
        TeacherMinimum = float.PositiveInfinity,
    };

    // Every thread reads the label's logits, before the first reduction and so before a gradient may lie over them.
    private static RowLabel CudaLabel<T, TAccess>(Arguments<T> a, RowTask task, RowSource<T> source)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        RowLabel label = new() { Class = task.Class, Weight = 1, Student = 0, Teacher = 0 };
        if (task.Class >= 0)
        {
            TAccess access = default;
            int column = task.Class / Quad.Length * Quad.Length;
            int index = task.Class - column;
            label.Student = Element(access.Load(a.Student, source.StudentStart, column, a.Settings.Columns), index);
            if (a.Settings.Soft != 0)
                label.Teacher = Element(access.Load(a.Teacher, source.TeacherStart, column, a.Settings.Columns), index);
            if (a.HasClassWeights != 0)
                label.Weight = a.ClassWeights[task.Class];
        }

        return label;
    }

    private static float Element(Quad quad, int index)
    {
        float low = index == 0 ? quad.X : quad.Y;
        float high = index == 2 ? quad.Z : quad.W;
        return index < 2 ? low : high;
    }
}
