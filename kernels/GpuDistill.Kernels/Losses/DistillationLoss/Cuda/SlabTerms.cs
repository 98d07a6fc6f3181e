using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

/// <summary>Two neighbouring elements: the logits, or their exponentials at T, and at 1 the student's. A device struct.</summary>
internal struct SlabCell
{
    public Pair Student, Teacher, Hard;

    /// <summary>The gradient by what were the cell's logits; the cell's place and the label count the thread's elements.</summary>
    public static Pair Gradient(SlabCell cell, RowLoss loss, int label, int index)
    {
        Pair gradient = new()
        {
            X = Gradient(loss, cell.Student.X, cell.Teacher.X, cell.Hard.X),
            Y = Gradient(loss, cell.Student.Y, cell.Teacher.Y, cell.Hard.Y),
        };
        if (label == index)
            gradient.X -= loss.LabelTerm;
        if (label == index + 1)
            gradient.Y -= loss.LabelTerm;
        return gradient;
    }

    // In a row with a loss all exponentials are from 0 to 1, so that a factor of 0 takes its term out.
    private static float Gradient(RowLoss loss, float student, float teacher, float hard) =>
        (loss.StudentFactor * student) - (loss.TeacherFactor * teacher) + (loss.HardFactor * hard);
}

/// <summary>The state of the pass that takes exponentials. A device struct.</summary>
internal struct SlabTerms
{
    /// <summary>The exponentials so far, and those of the newest cell.</summary>
    public SlabRow Row;
    public SlabCell Cell;
    public RowSums Sums;

    /// <summary>Adds a cell of logits, the second first.</summary>
    public static SlabTerms Add(SlabTerms terms, SlabCell logits, RowScales scales)
    {
        float z = logits.Student.Y - scales.StudentMaximum;
        float v = logits.Teacher.Y - scales.TeacherMaximum;
        terms.Cell.Student.Y = XMath.Exp2(z * scales.Scale);
        terms.Cell.Teacher.Y = XMath.Exp2(v * scales.Scale);
        terms.Cell.Hard.Y = XMath.Exp2(z * DistillationLoss.Log2E);
        terms.Sums = Add(terms.Sums, terms.Cell.Student.Y, terms.Cell.Teacher.Y, terms.Cell.Hard.Y, z, v);
        z = logits.Student.X - scales.StudentMaximum;
        v = logits.Teacher.X - scales.TeacherMaximum;
        terms.Cell.Student.X = XMath.Exp2(z * scales.Scale);
        terms.Cell.Teacher.X = XMath.Exp2(v * scales.Scale);
        terms.Cell.Hard.X = XMath.Exp2(z * DistillationLoss.Log2E);
        terms.Sums = Add(terms.Sums, terms.Cell.Student.X, terms.Cell.Teacher.X, terms.Cell.Hard.X, z, v);
        return terms;
    }

    // An objective that is not asked for costs its exponential, and its sums are not looked at.
    private static RowSums Add(RowSums sums, float student, float teacher, float hard, float z, float v)
    {
        sums.Student += student;
        sums.Teacher += teacher;
        sums.Hard += hard;
        return RowSums.Weigh(sums, teacher, z, v);
    }
}
