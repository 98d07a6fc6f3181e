using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// The passes over a row without label smoothing that is not flat, which is nearly every row: small enough to be unrolled over
// the quads in a thread's registers. What they leave out is in GeneralPasses.cs.

/// <summary>The sums of a row whose range is known. A device struct.</summary>
internal struct PlainSums<T, TAccess> : IQuadPass<RowSums>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    /// <summary>log2(e) / T: the exponentials at T are powers of 2.</summary>
    public float Scale;
    public float StudentMaximum, TeacherMaximum;
    public int Columns;
    public int Class;

    public RowSums Step(RowSums sums, QuadPair quads, int column)
    {
        TAccess access = default;
        // Four terms are summed before they are added to the sum so far: few additions of a small to a large number.
        RowSums part = Term(default, quads.Student.X, quads.Teacher.X, column);
        if (access.Has(column, 1, Columns))
            part = Term(part, quads.Student.Y, quads.Teacher.Y, column + 1);
        if (access.Has(column, 2, Columns))
            part = Term(part, quads.Student.Z, quads.Teacher.Z, column + 2);
        if (access.Has(column, 3, Columns))
            part = Term(part, quads.Student.W, quads.Teacher.W, column + 3);
        return RowSums.Add(sums, part);
    }

    // Without branches: an objective that is not asked for costs its exponential, and its sums are not looked at.
    private readonly RowSums Term(RowSums sums, float logit, float teacherLogit, int column)
    {
        float student = logit - StudentMaximum;
        float teacher = teacherLogit - TeacherMaximum;
        float e = XMath.Exp2(teacher * Scale);
        sums.Student += XMath.Exp2(student * Scale);
        sums.Teacher += e;
        sums.Cross += e < RowSums.SmallestWeight ? 0 : e * student;
        sums.Difference += e < RowSums.SmallestWeight ? 0 : e * (student - teacher);
        sums.Hard += XMath.Exp2(student * DistillationLoss.Log2E);
        sums.Earlier += column < Class && logit == StudentMaximum ? 1 : 0;
        return sums;
    }
}

/// <summary>Writes the gradient of such a row; the state is nothing. A device struct.</summary>
internal struct PlainGradient<T, TAccess> : IQuadPass<int>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    public GradientTarget<T> Target;
    public float Scale;
    public float StudentMaximum, TeacherMaximum;
    public float StudentFactor, TeacherFactor, HardFactor, LabelTerm;
    public int Class;

    public int Step(int state, QuadPair quads, int column)
    {
        TAccess access = default;
        Quad gradient = new()
        {
            X = Of(quads.Student.X, quads.Teacher.X, column),
            Y = Of(quads.Student.Y, quads.Teacher.Y, column + 1),
            Z = Of(quads.Student.Z, quads.Teacher.Z, column + 2),
            W = Of(quads.Student.W, quads.Teacher.W, column + 3),
        };
        access.Store(Target.Gradient, Target.Start, column, Target.Columns, gradient);
        return state;
    }

    // A factor of 0 takes its term out even where that is not finite.
    private readonly float Of(float student, float teacher, int column)
    {
        float z = student - StudentMaximum;
        float soft = (StudentFactor * XMath.Exp2(z * Scale)) - (TeacherFactor * XMath.Exp2((teacher - TeacherMaximum) * Scale));
        float hard = HardFactor * XMath.Exp2(z * DistillationLoss.Log2E);
        float gradient = (StudentFactor > 0 ? soft : 0) + (HardFactor > 0 ? hard : 0);
        return column == Class ? gradient - LabelTerm : gradient;
    }
}
