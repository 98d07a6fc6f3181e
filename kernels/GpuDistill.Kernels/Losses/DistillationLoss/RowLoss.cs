using System.Runtime.CompilerServices;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

/// <summary>
/// A row's losses, and its gradient as a few factors, from the row's sums: the part of the arithmetic that is the same for
/// every variant. Device code, once per row. In what follows q and p are the student's and the teacher's softmax at T,
/// e_z and e_v their exponentials, h and e_h the student's at T = 1, y the label, b the blend, w class weights.
/// </summary>
/// <remarks>
/// gradient[i] = StudentFactor e_z[i] - TeacherFactor e_v[i] + HardFactor e_h[i] - UniformFactor w[i] - [i = y] LabelTerm
/// and in a flat row the first two terms are StudentFactor e_v[i] (expm1(d[i]) + b), d = log q - log p.
/// </remarks>
internal struct RowLoss
{
    public float Soft, KlDivergence, Hard;
    public float StudentFactor, TeacherFactor, HardFactor, UniformFactor, LabelTerm;

    /// <summary>log(sum e_z) - log(sum e_v), accurate however near 0 it is.</summary>
    public float LogRatio;

    /// <summary>The <see cref="InvalidRowReason"/>; all else is 0 then.</summary>
    public int Reason;

    public static RowLoss Invalid(InvalidRowReason reason) => new() { Reason = (int)reason };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowLoss Of(
        LossSettings settings, RowSums sums, RowLabel label, float softReduction, float hardReduction)
    {
        RowLoss row = default;
        bool hard = settings.Hard != 0 && label.Class >= 0;
        bool flat = sums.Flat != 0;
        float teacher = flat ? settings.Columns + sums.Teacher : sums.Teacher;
        float student = flat ? teacher + (sums.Difference * settings.InverseTemperature) + sums.Student : sums.Student;
        float labelLogit = label.Student - sums.StudentMaximum;
        if (settings.Soft != 0)
            row = SoftPart(row, settings, sums, label, student, teacher, softReduction);
        if (hard)
            row = HardPart(row, settings, sums, label, labelLogit, hardReduction);
        // The mean is finite only where all are, and without a softmax none is; but a class weight of 0 takes a hard loss out.
        float mean = (0.25f * row.Soft) + (0.25f * row.KlDivergence) + (0.25f * row.Hard);
        if (FloatBits.IsFinite(mean) && (!hard || FloatBits.IsPositive(sums.Hard)))
            return row;
        return Invalid(ReasonOf(row, settings, sums, hard, student, teacher));
    }

    public static RowRecord RecordOf(RowLoss loss, bool labelled, bool correct) => new()
    {
        Soft = loss.Soft,
        KlDivergence = loss.KlDivergence,
        Hard = loss.Hard,
        State = RowRecord.StateOf(labelled, correct, loss.Reason),
    };

    /// <summary>Adds a row that comes after all that are in the sums.</summary>
    public static BatchSums AddTo(BatchSums sums, RowLoss loss, bool labelled, bool correct, int row)
    {
        sums.Soft += loss.Soft;
        sums.KlDivergence += loss.KlDivergence;
        sums.Hard += loss.Hard;
        sums.Labelled += labelled ? 1 : 0;
        sums.Correct += labelled && correct && loss.Reason == 0 ? 1 : 0;
        if (loss.Reason != 0 && sums.Reason == 0)
        {
            sums.FirstInvalid = row;
            sums.Reason = loss.Reason;
        }

        return sums;
    }

    /// <summary>The soft part of a flat row's gradient at one class, less the label's share.</summary>
    public static float FlatGradient(RowLoss row, LossSettings settings, RowSums sums, float z, float v, bool labelled)
    {
        float studentLogit = z - sums.StudentMaximum;
        float teacherLogit = v - sums.TeacherMaximum;
        float half = Expm1Half(0.5f * (((studentLogit - teacherLogit) * settings.InverseTemperature) - row.LogRatio));
        float exponential = 1 + Expm1Half(teacherLogit * settings.InverseTemperature);
        return row.StudentFactor * exponential * ((half * (half + 2)) + (labelled ? settings.Blend : 0));
    }

    /// <summary>e^x - 1 for |x| at most 1/2, accurate however small x is (the polynomial of SimdMath.Expm1Half).</summary>
    public static float Expm1Half(float x)
    {
        float p = (1.9849810e-4f * x) + 1.3996176e-3f;
        p = (p * x) + 8.3335790e-3f;
        p = (p * x) + 4.1665359e-2f;
        p = (p * x) + 0.16666664f;
        p = (p * x) + 0.50000004f;
        return (p * x * x) + x;
    }

    /// <summary>e^x - 1 - x for |x| at most 1/2, to a few ulp (Taylor's series; the first term left out is below 5e-8 of it).</summary>
    public static float ExcessHalf(float x)
    {
        float p = (x * (1f / 40320)) + (1f / 5040);
        p = (p * x) + (1f / 720);
        p = (p * x) + (1f / 120);
        p = (p * x) + (1f / 24);
        p = (p * x) + (1f / 6);
        p = (p * x) + 0.5f;
        return p * x * x;
    }

    // A maximum of NaN or +-infinity, or a NaN anywhere, makes a sum NaN; a row with a softmax has at least e^0.
    private static InvalidRowReason ReasonOf(
        RowLoss row, LossSettings settings, RowSums sums, bool hard, float student, float teacher)
    {
        if ((settings.Soft != 0 && !FloatBits.IsPositive(student)) || (hard && !FloatBits.IsPositive(sums.Hard)))
            return InvalidRowReason.StudentLogits;
        if (settings.Soft != 0 && !FloatBits.IsPositive(teacher))
            return InvalidRowReason.TeacherLogits;
        if (FloatBits.IsNaN(row.Hard))
            return InvalidRowReason.ClassWeight;
        return FloatBits.IsFinite(row.Soft) && FloatBits.IsFinite(row.KlDivergence)
            ? InvalidRowReason.InfiniteHardLoss
            : InvalidRowReason.InfiniteSoftLoss;
    }

    // With d as in RowSums.Student, KL = log E e^d - E d, the expectation over p. Both are small numbers of nearly the same size
    // where T is high; with E e^d = 1 + E d + g it is g less u - log(1 + u), u = E d + g, numbers of KL's own size.
    private static float FlatDivergence(float mean, float excess)
    {
        float u = mean + excess;
        float s = u / (2 + u);
        float t = s * s;
        float p = (t * (1f / 11)) + (1f / 9);
        p = (p * t) + (1f / 7);
        p = (p * t) + (1f / 5);
        p = (p * t) + (1f / 3);
        return excess - (2 * t * ((1 / (1 - s)) - (p * s)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static RowLoss SoftPart(
        RowLoss row, LossSettings settings, RowSums sums, RowLabel label, float student, float teacher, float reduction)
    {
        float inverseTemperature = settings.InverseTemperature;
        float inverseTeacher = 1 / teacher; // a GPU's division is many instructions
        float distance = sums.Difference * inverseTeacher * inverseTemperature;
        float excess = sums.Student * inverseTeacher;
        row.LogRatio = sums.Flat != 0 ? LogOnePlus(distance + excess) : XMath.Log(student * inverseTeacher);
        float logStudent = XMath.Log(student);
        float soft = logStudent - (sums.Cross * inverseTeacher * inverseTemperature);
        float divergence = sums.Flat != 0 ? FlatDivergence(distance, excess) : row.LogRatio - distance;
        float factor = settings.SoftWeight * settings.SoftScale * inverseTemperature * reduction;
        float blend = label.Class >= 0 ? settings.Blend : 0;
        if (blend > 0)
        {
            // p' = (1 - b) p + b onehot(y): its cross entropy with q, and its own entropy, from those of p.
            float rest = 1 - blend;
            float logQ = ((label.Student - sums.StudentMaximum) * inverseTemperature) - logStudent;
            float logP = ((label.Teacher - sums.TeacherMaximum) * inverseTemperature) - XMath.Log(teacher);
            float p = XMath.Exp(logP);
            float blended = (rest * p) + blend;
            // With b = 1 nothing of p is left, not even an infinite loss.
            soft = (rest > 0 ? rest * soft : 0) - (blend * logQ);
            divergence = (rest > 0 ? rest * divergence : 0) - (blend * logQ) + (blended * XMath.Log(blended));
            if (rest > 0)
                divergence += (rest * (1 - p) * XMath.Log(rest)) - (p > 0 ? rest * p * logP : 0);
            row.LabelTerm = factor * blend;
        }

        row.Soft = settings.SoftScale * soft;
        row.KlDivergence = settings.SoftScale * divergence;
        row.StudentFactor = sums.Flat != 0 ? factor * inverseTeacher : factor * (1 / student);
        row.TeacherFactor = factor * (1 - blend) * inverseTeacher;
        return row;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static RowLoss HardPart(
        RowLoss row, LossSettings settings, RowSums sums, RowLabel label, float labelLogit, float reduction)
    {
        float logSum = XMath.Log(sums.Hard);
        float sure = (1 - settings.Smoothing) * label.Weight;
        float each = settings.SmoothingPerClass;
        float uniform = each * sums.UniformWeight;
        // A weight of 0 takes even an infinite term out, and one of NaN leaves NaN.
        row.Hard = (sure > 0 ? sure * (logSum - labelLogit) : sure)
            + (uniform > 0 ? (uniform * logSum) - (each * sums.Uniform) : uniform);
        float factor = settings.HardWeight * reduction;
        row.HardFactor = factor * (sure + uniform) / sums.Hard;
        row.UniformFactor = factor * each;
        row.LabelTerm += factor * sure;
        return row;
    }

    // log(1 + x) for x from -0.4 to 0.65, accurate near 0: 2 artanh(s), s = x / (2 + x), |s| at most 0.25.
    private static float LogOnePlus(float x)
    {
        float s = x / (2 + x);
        float t = s * s;
        float p = (t * (1f / 13)) + (1f / 11);
        p = (p * t) + (1f / 9);
        p = (p * t) + (1f / 7);
        p = (p * t) + (1f / 5);
        p = (p * t) + (1f / 3);
        return 2 * ((p * t * s) + s);
    }
}
