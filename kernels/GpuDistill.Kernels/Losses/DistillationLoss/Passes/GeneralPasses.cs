using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// The passes over any row: its range, which comes first, and what PlainPasses.cs leaves out. Apart from the range they are not
// unrolled, since they would fill the instruction cache, but read the row again.

/// <summary>The maxima and minima of a row. A device struct.</summary>
internal struct RangePass<T, TAccess> : IQuadPass<RowRange>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    public MaximaPass Maxima;
    public int Columns;

    public RowRange Step(RowRange range, QuadPair quads, int column)
    {
        TAccess access = default;
        range = Lower(Maxima.Step(range, quads, column), quads.Student.X, quads.Teacher.X);
        if (access.Has(column, 1, Columns))
            range = Lower(range, quads.Student.Y, quads.Teacher.Y);
        if (access.Has(column, 2, Columns))
            range = Lower(range, quads.Student.Z, quads.Teacher.Z);
        if (access.Has(column, 3, Columns))
            range = Lower(range, quads.Student.W, quads.Teacher.W);
        return range;
    }

    private static RowRange Lower(RowRange range, float student, float teacher)
    {
        range.StudentMinimum = XMath.Min(range.StudentMinimum, student);
        range.TeacherMinimum = XMath.Min(range.TeacherMinimum, teacher);
        return range;
    }
}

/// <summary>The sums of a row whose range is known. A device struct.</summary>
internal struct GeneralSums<T, TAccess> : IQuadPass<RowSums>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    public LossBatch Batch;
    public RowRange Range;
    public int Hard;
    public int Flat;

    public RowSums Step(RowSums sums, QuadPair quads, int column)
    {
        TAccess access = default;
        // Four terms are summed before they are added to the sum so far: few additions of a small to a large number.
        RowSums part = Term(default, quads.Student.X, quads.Teacher.X, column);
        if (access.Has(column, 1, Batch.Settings.Columns))
            part = Term(part, quads.Student.Y, quads.Teacher.Y, column + 1);
        if (access.Has(column, 2, Batch.Settings.Columns))
            part = Term(part, quads.Student.Z, quads.Teacher.Z, column + 2);
        if (access.Has(column, 3, Batch.Settings.Columns))
            part = Term(part, quads.Student.W, quads.Teacher.W, column + 3);
        return RowSums.Add(sums, part);
    }

    private RowSums Term(RowSums sums, float logit, float teacherLogit, int column)
    {
        float student = logit - Range.StudentMaximum;
        if (Batch.Settings.Soft != 0)
        {
            float teacher = teacherLogit - Range.TeacherMaximum;
            float e;
            if (Flat != 0)
            {
                float less = RowLoss.Expm1Half(teacher * Batch.Settings.InverseTemperature);
                sums.Teacher += less;
                e = 1 + less;
                sums.Student += e * RowLoss.ExcessHalf((student - teacher) * Batch.Settings.InverseTemperature);
            }
            else
            {
                float scale = Batch.Settings.InverseTemperature * DistillationLoss.Log2E;
                e = XMath.Exp2(teacher * scale);
                sums.Student += XMath.Exp2(student * scale);
                sums.Teacher += e;
            }

            sums = RowSums.Weigh(sums, e, student, teacher);
        }

        if (Hard != 0)
        {
            sums.Hard += XMath.Exp2(student * DistillationLoss.Log2E);
            if (Batch.Settings.Smoothing > 0)
            {
                float weight = Batch.WeightOrNaN(column);
                sums.UniformWeight += weight;
                sums.Uniform += weight == 0 ? 0 : weight * student;
            }
        }

        return sums;
    }
}

/// <summary>Writes the gradient of a row; the state is nothing. A device struct.</summary>
internal struct GeneralGradient<T, TAccess> : IQuadPass<int>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    public LossBatch Batch;
    public GradientTarget<T> Target;
    public RowLoss Loss;
    public RowSums Sums;
    public int Class;

    public int Step(int state, QuadPair quads, int column)
    {
        TAccess access = default;
        Quad gradient = default;
        gradient.X = Of(quads.Student.X, quads.Teacher.X, column);
        if (access.Has(column, 1, Batch.Settings.Columns))
            gradient.Y = Of(quads.Student.Y, quads.Teacher.Y, column + 1);
        if (access.Has(column, 2, Batch.Settings.Columns))
            gradient.Z = Of(quads.Student.Z, quads.Teacher.Z, column + 2);
        if (access.Has(column, 3, Batch.Settings.Columns))
            gradient.W = Of(quads.Student.W, quads.Teacher.W, column + 3);
        access.Store(Target.Gradient, Target.Start, column, Target.Columns, gradient);
        return state;
    }

    // Factors of 0 take no exponential: infinity * 0 must not spoil an invalid row.
    private float Of(float student, float teacher, int column)
    {
        float gradient = 0;
        if (Loss.StudentFactor > 0)
        {
            float scale = Batch.Settings.InverseTemperature * DistillationLoss.Log2E;
            gradient = Sums.Flat != 0
                ? RowLoss.FlatGradient(Loss, Batch.Settings, Sums, student, teacher, Class >= 0)
                : (Loss.StudentFactor * XMath.Exp2((student - Sums.StudentMaximum) * scale))
                    - (Loss.TeacherFactor * XMath.Exp2((teacher - Sums.TeacherMaximum) * scale));
        }

        if (Loss.HardFactor > 0)
        {
            gradient += Loss.HardFactor * XMath.Exp2((student - Sums.StudentMaximum) * DistillationLoss.Log2E);
            if (Loss.UniformFactor > 0)
                gradient -= Loss.UniformFactor * Batch.ClassWeight(column);
        }

        return column == Class && (Loss.StudentFactor > 0 || Loss.HardFactor > 0) ? gradient - Loss.LabelTerm : gradient;
    }
}
