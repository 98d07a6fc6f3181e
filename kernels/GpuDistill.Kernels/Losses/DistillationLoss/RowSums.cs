using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

/// <summary>
/// What a row's loss and gradient need of its logits: z of the student with maximum mz, v of the teacher with maximum mv,
/// e[i] = exp((v[i] - mv) / T). A device struct.
/// </summary>
internal struct RowSums
{
    /// <summary>Smaller values of e count as 0: there, a device may or may not have denormal numbers.</summary>
    public const float SmallestWeight = 1.1754944e-38f;

    /// <summary>No terms yet, and maxima that every logit but -infinity raises: finite, so that -infinity less them is -infinity.</summary>
    public static RowSums Lowest => new() { StudentMaximum = float.MinValue, TeacherMaximum = float.MinValue };

    /// <summary>mz and mv.</summary>
    public float StudentMaximum, TeacherMaximum;

    /// <summary>1 where <see cref="Student"/> and <see cref="Teacher"/> hold what is left of their sums in a flat row.</summary>
    public int Flat;

    /// <summary>sum exp((z - mz) / T); in a flat row sum e (exp(d) - 1 - d), d = ((z - mz) - (v - mv)) / T</summary>
    public float Student;

    /// <summary>sum e; in a flat row sum (e - 1)</summary>
    public float Teacher;

    /// <summary>sum exp(z - mz)</summary>
    public float Hard;

    /// <summary>sum e (z - mz), without the terms where e counts as 0</summary>
    public float Cross;

    /// <summary>sum e ((z - mz) - (v - mv)), without the terms where e counts as 0</summary>
    public float Difference;

    /// <summary>For label smoothing, w the class weights: sum w (z - mz), without the terms where w is 0, and sum w.</summary>
    public float Uniform, UniformWeight;

    /// <summary>1 where the label is the first class whose logit is mz.</summary>
    public int IsRight;

    /// <summary>
    /// The sums relative to other maxima, which must not be lower. Not for flat rows. A term of infinity may become NaN here, where it
    /// should count as 0: whoever adds up such sums looks whether <see cref="IsFinite"/> holds.
    /// </summary>
    public static RowSums Raise(RowSums sums, float studentMaximum, float teacherMaximum, float inverseTemperature)
    {
        float studentRise = studentMaximum - sums.StudentMaximum;
        float teacherRise = teacherMaximum - sums.TeacherMaximum;
        float scale = -inverseTemperature * DistillationLoss.Log2E;
        float fall = XMath.Exp2(teacherRise * scale);
        sums.Student *= XMath.Exp2(studentRise * scale);
        sums.Hard *= XMath.Exp2(-studentRise * DistillationLoss.Log2E);
        sums.Cross = (sums.Cross - (sums.Teacher * studentRise)) * fall;
        sums.Difference = (sums.Difference - (sums.Teacher * (studentRise - teacherRise))) * fall;
        sums.Teacher *= fall;
        sums.Uniform -= sums.UniformWeight * studentRise;
        sums.StudentMaximum = studentMaximum;
        sums.TeacherMaximum = teacherMaximum;
        return sums;
    }

    /// <summary>Whether no infinite logit has come into the sums of products with logits.</summary>
    public static bool IsFinite(RowSums sums) =>
        FloatBits.IsFinite(sums.Cross) && FloatBits.IsFinite(sums.Difference) && FloatBits.IsFinite(sums.Uniform);

    /// <summary>The sums of both parts of a row; maxima and flatness must be the same.</summary>
    public static RowSums Add(RowSums a, RowSums b)
    {
        a.Student += b.Student;
        a.Teacher += b.Teacher;
        a.Hard += b.Hard;
        a.Cross += b.Cross;
        a.Difference += b.Difference;
        a.Uniform += b.Uniform;
        a.UniformWeight += b.UniformWeight;
        return a;
    }

    /// <summary>Adds to <see cref="Cross"/> and <see cref="Difference"/> a term of weight <paramref name="e"/>.</summary>
    public static RowSums Weigh(RowSums sums, float e, float z, float v)
    {
        if (e >= SmallestWeight)
        {
            sums.Cross += e * z;
            sums.Difference += e * (z - v);
        }

        return sums;
    }

    /// <summary>The sums of a whole row with what its range tells.</summary>
    public static RowSums Complete(RowSums sums, RowRange range, bool flat, RowLabel label)
    {
        sums.StudentMaximum = range.StudentMaximum;
        sums.TeacherMaximum = range.TeacherMaximum;
        sums.Flat = flat ? 1 : 0;
        sums.IsRight = label.Class >= 0 && label.Student == range.StudentMaximum
            && XMath.Max(label.Before, range.BeforeLabel) < range.StudentMaximum ? 1 : 0;
        return sums;
    }
}

/// <summary>Largest and smallest logits of a row. A device struct.</summary>
internal struct RowRange
{
    public float StudentMaximum, StudentMinimum, TeacherMaximum, TeacherMinimum;

    /// <summary>
    /// The student's largest logit of the classes before the label, less those that are read with the label and in
    /// <see cref="RowLabel.Before"/>: so what is predicted, the first of the largest logits, costs no look at each.
    /// </summary>
    public float BeforeLabel;

    /// <summary>No logits yet; the maxima are those of <see cref="RowSums.Lowest"/>.</summary>
    public static RowRange Empty => new()
    {
        StudentMaximum = float.MinValue,
        StudentMinimum = float.PositiveInfinity,
        TeacherMaximum = float.MinValue,
        TeacherMinimum = float.PositiveInfinity,
        BeforeLabel = float.NegativeInfinity,
    };

    public static RowRange Union(RowRange a, RowRange b)
    {
        a.StudentMaximum = XMath.Max(a.StudentMaximum, b.StudentMaximum);
        a.StudentMinimum = XMath.Min(a.StudentMinimum, b.StudentMinimum);
        a.TeacherMaximum = XMath.Max(a.TeacherMaximum, b.TeacherMaximum);
        a.TeacherMinimum = XMath.Min(a.TeacherMinimum, b.TeacherMinimum);
        a.BeforeLabel = XMath.Max(a.BeforeLabel, b.BeforeLabel);
        return a;
    }

    /// <summary>Whether all logits are within half a temperature of their maximum; false where one is not finite.</summary>
    public static bool IsFlat(RowRange range, float inverseTemperature) =>
        (range.StudentMaximum - range.StudentMinimum) * inverseTemperature <= 0.5f
        && (range.TeacherMaximum - range.TeacherMinimum) * inverseTemperature <= 0.5f;
}

/// <summary>A row's label and what goes with it. A device struct.</summary>
internal struct RowLabel
{
    /// <summary>The class; -1 for an unlabelled row.</summary>
    public int Class;

    /// <summary>The class's weight.</summary>
    public float Weight;

    /// <summary>The logits of the class.</summary>
    public float Student, Teacher;

    /// <summary>The student's largest logit before it among those that are read with it.</summary>
    public float Before;

    /// <summary>The label of the class whose logit is the next.</summary>
    public static RowLabel Next(RowLabel label, float student)
    {
        label.Before = XMath.Max(label.Before, label.Student);
        label.Student = student;
        return label;
    }
}
