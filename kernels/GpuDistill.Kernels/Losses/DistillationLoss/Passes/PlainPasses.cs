using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// The passes over a row without label smoothing that is not flat, which is nearly every row: small enough to be unrolled over
// the quads in a thread's registers. What they leave out is in GeneralPasses.cs.

/// <summary>The maxima of a row, where its minima are of no interest. A device struct.</summary>
internal struct MaximaPass : IQuadPass<RowRange>
{
    /// <summary>The label, or -1.</summary>
    public int Class;

    public RowRange Step(RowRange range, QuadPair quads, int column)
    {
        float largest = Quad.Largest(quads.Student);
        range.StudentMaximum = XMath.Max(range.StudentMaximum, largest);
        range.TeacherMaximum = XMath.Max(range.TeacherMaximum, Quad.Largest(quads.Teacher));
        if (Class >= column + Quad.Length)
            range.BeforeLabel = XMath.Max(range.BeforeLabel, largest);
        return range;
    }
}

/// <summary>What exponentials are taken with. A device struct.</summary>
internal struct RowScales
{
    /// <summary>log2(e) / T: the exponentials at T are powers of 2.</summary>
    public float Scale;
    public float StudentMaximum, TeacherMaximum;

    public static RowScales Of(float studentMaximum, float teacherMaximum, float inverseTemperature) => new()
    {
        Scale = inverseTemperature * DistillationLoss.Log2E,
        StudentMaximum = studentMaximum,
        TeacherMaximum = teacherMaximum,
    };
}

/// <summary>
/// The sums of a row whose maxima are known. Leaves what the gradient is made of in the place of the logits: the student's less their
/// maximum, and the teacher's exponentials. A logit of -infinity may spoil the sums of products, so that they are not finite: then
/// <see cref="WeighedProducts"/> has them. A device struct.
/// </summary>
internal struct PlainSums<T, TAccess> : IQuadChange<RowSums>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    public RowScales Scales;

    // What a quad has beyond the row is -infinity and adds 0. Four terms are summed before they are added to the sum so far: few additions
    // of a small to a large number. An objective that is not asked for costs its exponentials, and its sums are not looked at. A look at
    // each weight would be one instruction in thirteen.
    public Changed<QuadPair, RowSums> Change(RowSums sums, QuadPair quads, int column)
    {
        Quad z = Quad.Less(quads.Student, Scales.StudentMaximum);
        Quad v = Quad.Less(quads.Teacher, Scales.TeacherMaximum);
        Quad e = Quad.Powers(v, Scales.Scale);
        sums.Student += Quad.Sum(Quad.Powers(z, Scales.Scale));
        sums.Teacher += Quad.Sum(e);
        sums.Hard += Quad.Sum(Quad.Powers(z, DistillationLoss.Log2E));
        if (default(TAccess).IsWhole)
        {
            sums.Cross += Quad.Dot(e, z);
            sums.Difference += Quad.Dot(e, Quad.Less(z, v));
        }
        else
        {
            sums = WeighedProducts.Add(sums, e, z, v);
        }

        return new Changed<QuadPair, RowSums> { Now = new QuadPair { Student = z, Teacher = e }, State = sums };
    }
}

/// <summary>The sums of products of such a row, without the terms where the weight is 0. A device struct.</summary>
internal struct WeighedProducts : IQuadPass<RowSums>
{
    public RowScales Scales;

    public RowSums Step(RowSums sums, QuadPair quads, int column)
    {
        Quad v = Quad.Less(quads.Teacher, Scales.TeacherMaximum);
        return Add(sums, Quad.Powers(v, Scales.Scale), Quad.Less(quads.Student, Scales.StudentMaximum), v);
    }

    /// <summary>Adds a quad of weights, and of logits less their maxima.</summary>
    public static RowSums Add(RowSums sums, Quad e, Quad z, Quad v)
    {
        RowSums part = RowSums.Weigh(default, e.X, z.X, v.X);
        part = RowSums.Weigh(part, e.Y, z.Y, v.Y);
        part = RowSums.Weigh(part, e.Z, z.Z, v.Z);
        part = RowSums.Weigh(part, e.W, z.W, v.W);
        sums.Cross += part.Cross;
        sums.Difference += part.Difference;
        return sums;
    }
}

/// <summary>
/// Writes the gradient of such a row from what <see cref="PlainSums{T, TAccess}"/> has left; the state is nothing. A device
/// struct.
/// </summary>
internal struct PlainGradient<T, TAccess> : IQuadPass<int>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    public GradientTarget<T> Target;
    public float Scale;
    public float StudentFactor, TeacherFactor, HardFactor, LabelTerm;
    public int Class;

    // In a row with a loss all exponentials are from 0 to 1, so that a factor of 0 takes its term out; of a row without one the quads
    // are 0, as are all factors.
    public int Step(int state, QuadPair quads, int column)
    {
        TAccess access = default;
        Quad soft = Quad.Powers(quads.Student, Scale);
        Quad hard = Quad.Powers(quads.Student, DistillationLoss.Log2E);
        Quad gradient = new()
        {
            X = Of(soft.X, quads.Teacher.X, hard.X),
            Y = Of(soft.Y, quads.Teacher.Y, hard.Y),
            Z = Of(soft.Z, quads.Teacher.Z, hard.Z),
            W = Of(soft.W, quads.Teacher.W, hard.W),
        };
        int label = Class - column;
        if ((uint)label < Quad.Length)
            gradient = LessLabel(gradient, label);
        access.Store(Target.Gradient, Target.Start, column, Target.Columns, gradient);
        return state;
    }

    private readonly float Of(float student, float teacher, float hard) =>
        (HardFactor * hard) + ((StudentFactor * student) - (TeacherFactor * teacher));

    private readonly Quad LessLabel(Quad gradient, int label)
    {
        gradient.X = label == 0 ? gradient.X - LabelTerm : gradient.X;
        gradient.Y = label == 1 ? gradient.Y - LabelTerm : gradient.Y;
        gradient.Z = label == 2 ? gradient.Z - LabelTerm : gradient.Z;
        gradient.W = label == 3 ? gradient.W - LabelTerm : gradient.W;
        return gradient;
    }
}

/// <summary>The same from logits. A device struct.</summary>
internal struct PlainGradientOfLogits<T, TAccess> : IQuadPass<int>
    where T : unmanaged
    where TAccess : unmanaged, IQuadAccess<T>
{
    public PlainGradient<T, TAccess> Gradient;
    public RowScales Scales;

    /// <summary>0 for a row that is left out.</summary>
    public int HasLoss;

    public int Step(int state, QuadPair quads, int column)
    {
        QuadPair terms = default;
        if (HasLoss != 0)
        {
            terms.Student = Quad.Less(quads.Student, Scales.StudentMaximum);
            terms.Teacher = Quad.Powers(Quad.Less(quads.Teacher, Scales.TeacherMaximum), Scales.Scale);
        }

        return Gradient.Step(state, terms, column);
    }
}
