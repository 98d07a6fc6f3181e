using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>Checks that the losses have in common, made once when one is bound.</summary>
internal static class LossChecks
{
    public static void Reduction(Reduction reduction, float? normalizer)
    {
        if (!Enum.IsDefined(reduction))
            throw new ArgumentOutOfRangeException(nameof(reduction), reduction, "There is no such reduction.");
        if (normalizer is not float divisor)
            return;
        Check.Positive(divisor, "Normalizer");
        Check.Positive(1 / divisor, "1 / Normalizer");
        if (reduction == Kernels.Reduction.None)
            throw new ArgumentException("Reduction.None divides by nothing; leave Normalizer out or choose another reduction.", nameof(normalizer));
    }

    /// <summary>That something is written, its shapes, and that it lies over nothing else, but for a gradient over the student's logits.</summary>
    public static void Outputs<T>(DistillationInputs<T> inputs, DistillationOutputs<T> outputs)
        where T : unmanaged
    {
        Matrix<T> student = inputs.Student;
        Matrix<T> gradient = outputs.Gradient;
        bool hasLosses = outputs.SoftLosses.Length > 0 || outputs.HardLosses.Length > 0 || outputs.TotalLosses.Length > 0;
        if (!hasLosses && gradient.Data.Length == 0 && outputs.Totals.Length == 0 && outputs.Running.Length == 0)
            throw new ArgumentException("There is nothing to write; give at least one output.", nameof(outputs));
        if (gradient.Data.Length > 0)
        {
            Check.SameShape(student, gradient);
            Check.SameOrApart(student, gradient);
        }

        PerRow(outputs.SoftLosses, student.Rows, "outputs.SoftLosses");
        PerRow(outputs.HardLosses, student.Rows, "outputs.HardLosses");
        PerRow(outputs.TotalLosses, student.Rows, "outputs.TotalLosses");
        if (outputs.Totals.Length > 0)
            Check.Length(outputs.Totals, 1, "the totals of one batch");
        if (outputs.Running.Length > 0)
            Check.Length(outputs.Running, 1, "the totals so far");
        Check.WritesApart(
            [
                ("outputs.Gradient", BufferSpan.Of(gradient.Data)),
                ("outputs.SoftLosses", BufferSpan.Of(outputs.SoftLosses)),
                ("outputs.HardLosses", BufferSpan.Of(outputs.HardLosses)),
                ("outputs.TotalLosses", BufferSpan.Of(outputs.TotalLosses)),
                ("outputs.Totals", BufferSpan.Of(outputs.Totals)),
                ("outputs.Running", BufferSpan.Of(outputs.Running)),
            ],
            [
                // Where they are the same, the gradient stands for both.
                ("inputs.Student", student.IsSame(gradient) ? default : BufferSpan.Of(student.Data)),
                ("inputs.Teacher", BufferSpan.Of(inputs.Teacher.Data)),
                ("inputs.TeacherRows", BufferSpan.Of(inputs.TeacherRows)),
                ("inputs.Labels", BufferSpan.Of(inputs.Labels)),
                ("inputs.ClassWeights", BufferSpan.Of(inputs.ClassWeights)),
            ]);
    }

    private static void PerRow(ArrayView<float> losses, int rows, string name)
    {
        if (losses.Length > 0)
            Check.Length(losses, rows, "one for each row of the student's logits", name);
    }
}
