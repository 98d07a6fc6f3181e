using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// The passes over a row without label smoothing that is not flat, which is nearly every row: small enough to be unrolled over
// the quads in a thread's registers. What they leave out is in GeneralPasses.cs.

/// <summary>The maxima of a row, where its minima are of no interest. A device struct.</summary>
internal struct MaximaPass : IQuadPass<RowRange>
{
    public RowRange Step(RowRange range, QuadPair quads, int column)
    {
        range.StudentMaximum = XMath.Max(range.StudentMaximum, Maximum(quads.Student));
        range.TeacherMaximum = XMath.Max(range.TeacherMaximum, Maximum(quads.Teacher));
        return range;
    }

    private static float Maximum(Quad quad) => XMath.Max(XMath.Max(quad.X, quad.Y), XMath.Max(quad.Z, quad.W));
}

/// <summary>The sums of a row whose maxima are known. A device struct.</summary>
internal struct PlainSums<T, TAccess> : IQuadPass<RowSums>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    /// <summary>log2(e) / T: the exponentials at T are powers of 2.</summary>
    public float Scale;
    public float StudentMaximum, TeacherMaximum;
    public int Columns;

    // What a quad has beyond the row is -infinity and adds 0; only where half a quad is such is it left out.
    public RowSums Step(RowSums sums, QuadPair quads, int column)
    {
        // Four terms are summed before they are added to the sum so far: few additions of a small to a large number.
        TAccess access = default;
        RowSums part = Term(default, quads.Student.X, quads.Teacher.X, column);
        part = Term(part, quads.Student.Y, quads.Teacher.Y, column + 1);
        if (access.Has(column, 2, Columns))
        {
            part = Term(part, quads.Student.Z, quads.Teacher.Z, column + 2);
            part = Term(part, quads.Student.W, quads.Teacher.W, column + 3);
        }

        return RowSums.Add(sums, part);
    }

    // An objective that is not asked for costs its exponential, and its sums are not looked at.
    private readonly RowSums Term(RowSums sums, float logit, float teacherLogit, int column)
    {
        float student = logit - StudentMaximum;
        float teacher = teacherLogit - TeacherMaximum;
        float e = XMath.Exp2(teacher * Scale);
        sums.Student += XMath.Exp2(student * Scale);
        sums.Teacher += e;
        if (e >= RowSums.SmallestWeight)
        {
            sums.Cross += e * student;
            sums.Difference += e * (student - teacher);
        }

        sums.Hard += XMath.Exp2(student * DistillationLoss.Log2E);
        if (logit == StudentMaximum)
            sums.FirstFromEnd = XMath.Max(sums.FirstFromEnd, Columns - column);
        return sums;
    }
}

/// <summary>Writes the gradient of such a row, 0 where it has no loss; the state is nothing. A device struct.</summary>
internal struct PlainGradient<T, TAccess> : IQuadPass<int>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    public GradientTarget<T> Target;
    public float Scale;
    public float StudentMaximum, TeacherMaximum;
    public float StudentFactor, TeacherFactor, HardFactor, LabelTerm;
    public int Class;

    /// <summary>0 for a row that is left out.</summary>
    public int HasLoss;

    public int Step(int state, QuadPair quads, int column)
    {
        TAccess access = default;
        int label = Class - column;
        Quad gradient = default;
        if (HasLoss != 0)
        {
            gradient.X = Of(quads.Student.X, quads.Teacher.X, label == 0);
            gradient.Y = Of(quads.Student.Y, quads.Teacher.Y, label == 1);
            if (access.Has(column, 2, Target.Columns))
            {
                gradient.Z = Of(quads.Student.Z, quads.Teacher.Z, label == 2);
                gradient.W = Of(quads.Student.W, quads.Teacher.W, label == 3);
            }
        }

        access.Store(Target.Gradient, Target.Start, column, Target.Columns, gradient);
        return state;
    }

    // In a row with a loss all exponentials are from 0 to 1, so that a factor of 0 takes its term out.
    private readonly float Of(float student, float teacher, bool isLabel)
    {
        float z = student - StudentMaximum;
        float soft = (StudentFactor * XMath.Exp2(z * Scale)) - (TeacherFactor * XMath.Exp2((teacher - TeacherMaximum) * Scale));
        float gradient = (HardFactor * XMath.Exp2(z * DistillationLoss.Log2E)) + soft;
        return isLabel ? gradient - LabelTerm : gradient;
    }
}
