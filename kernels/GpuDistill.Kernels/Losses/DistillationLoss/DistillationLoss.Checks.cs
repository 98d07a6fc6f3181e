using ILGPU;

namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    private static void CheckOptions(DistillationOptions options)
    {
        Check.Temperature(options.Temperature);
        if (options.ScaleByTemperatureSquared)
        {
            float scale = options.Temperature * options.Temperature;
            if (!(scale > 0) || !float.IsFinite(scale))
            {
                throw new ArgumentOutOfRangeException(
                    nameof(options), options.Temperature, "T^2 is not a number of single precision; turn ScaleByTemperatureSquared off or take another temperature.");
            }
        }

        Check.NotNegative(options.SoftWeight);
        Check.NotNegative(options.HardWeight);
        Check.BelowOne(options.LabelSmoothing);
        Check.Fraction(options.LabelBlend);
        if (!Enum.IsDefined(options.Reduction))
            throw new ArgumentOutOfRangeException(nameof(options), options.Reduction, "There is no such reduction.");
        if (options.Normalizer is not float normalizer)
            return;
        Check.Positive(normalizer);
        Check.Positive(1 / normalizer);
        if (options.Reduction == Reduction.None)
            throw new ArgumentException("Reduction.None leaves nothing to divide; leave Normalizer out or choose another reduction.", nameof(options));
    }

    private static void CheckInputs<T>(DistillationInputs<T> inputs, DistillationOptions options)
        where T : unmanaged
    {
        Matrix<T> student = inputs.Student;
        if (student.Rows < 1 || student.Columns < 2)
            throw new ArgumentException($"The student's logits are {student.Shape}; a loss needs at least 1 row and 2 classes.", nameof(inputs));
        if (inputs.Labels.Length > 0)
            Check.Length(inputs.Labels, student.Rows, "one for each row of the student's logits");
        if (inputs.TeacherRows.Length > 0)
            Check.Length(inputs.TeacherRows, student.Rows, "one for each row of the student's logits");
        if (inputs.ClassWeights.Length > 0)
            Check.Length(inputs.ClassWeights, student.Columns, "one for each class");
        if (!(options.SoftWeight > 0))
            return;
        Matrix<T> teacher = inputs.Teacher;
        if (teacher.Data.Length == 0)
            throw new ArgumentException("The soft objective needs the teacher's logits; give them, or set SoftWeight to 0.", nameof(inputs));
        int rows = inputs.TeacherRows.Length > 0 ? teacher.Rows : student.Rows;
        Check.Shape(teacher, rows, student.Columns, "as the student's logits (rows may differ where TeacherRows gathers them)");
    }

    private static void CheckOutputs<T>(DistillationInputs<T> inputs, DistillationOutputs<T> outputs)
        where T : unmanaged
    {
        Matrix<T> student = inputs.Student;
        if (outputs.Gradient.Data.Length > 0)
        {
            Check.SameShape(student, outputs.Gradient);
            Check.SameOrApart(student, outputs.Gradient);
            Check.Apart(inputs.Teacher.Data, outputs.Gradient.Data);
        }

        CheckRows(outputs.SoftLosses, student.Rows, nameof(outputs.SoftLosses));
        CheckRows(outputs.HardLosses, student.Rows, nameof(outputs.HardLosses));
        CheckRows(outputs.TotalLosses, student.Rows, nameof(outputs.TotalLosses));
        if (outputs.Totals.Length > 0)
            Check.Length(outputs.Totals, 1, "the totals of one batch");
        if (outputs.Running.Length > 0)
            Check.Length(outputs.Running, 1, "the totals so far");
        Check.Apart(outputs.Totals, outputs.Running);
        BufferSpan[] written =
        [
            BufferSpan.Of(outputs.Gradient.Data), BufferSpan.Of(outputs.SoftLosses), BufferSpan.Of(outputs.HardLosses),
            BufferSpan.Of(outputs.TotalLosses), BufferSpan.Of(outputs.Totals), BufferSpan.Of(outputs.Running),
        ];
        BufferSpan[] read =
        [
            BufferSpan.Of(inputs.Teacher.Data), BufferSpan.Of(inputs.TeacherRows), BufferSpan.Of(inputs.Labels),
            BufferSpan.Of(inputs.ClassWeights),
        ];
        for (int i = 0; i < written.Length; i++)
        {
            bool overStudent = i > 0 && written[i].Overlaps(BufferSpan.Of(student.Data));
            if (overStudent || read.Any(written[i].Overlaps) || written.Take(i).Any(written[i].Overlaps))
                throw new ArgumentException("Two outputs, or an output and an input, overlap; only the gradient may lie over the student's logits.", nameof(outputs));
        }
    }

    private static void CheckRows(ArrayView<float> losses, int rows, string name)
    {
        if (losses.Length > 0)
            Check.Length(losses, rows, "one for each row of the student's logits", name);
    }
}
