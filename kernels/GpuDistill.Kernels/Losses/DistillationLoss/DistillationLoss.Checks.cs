namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    /// <summary>What can be said of options before there is a batch.</summary>
    internal static void CheckOptions(DistillationOptions options)
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
        LossChecks.Reduction(options.Reduction, options.Normalizer);
        if (options.LabelBlend > 0 && !(options.SoftWeight > 0))
            throw new ArgumentException("LabelBlend changes the soft targets, and SoftWeight is 0: nothing is done with it. Leave one of them out.", nameof(options));
        if (options.LabelSmoothing > 0 && !options.HasHard)
            throw new ArgumentException("LabelSmoothing changes the hard target, and HardWeight is 0: nothing is done with it. Leave one of them out.", nameof(options));
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
        if (options.HardWeight > 0 && inputs.Labels.Length == 0)
        {
            throw new ArgumentException(
                $"HardWeight is {options.HardWeight} and there are no labels to learn from; give labels, or set HardWeight to 0.", nameof(inputs));
        }

        if (inputs.ClassWeights.Length > 0)
            Check.Length(inputs.ClassWeights, student.Columns, "one for each class");
        if (inputs.ClassWeights.Length > 0 && !options.HasHard)
            throw new ArgumentException("ClassWeights belong to the hard objective, and HardWeight is 0: nothing is done with them. Leave one of them out.", nameof(inputs));
        if (!(options.SoftWeight > 0))
            return;
        Matrix<T> teacher = inputs.Teacher;
        if (teacher.Data.Length == 0)
            throw new ArgumentException("The soft objective needs the teacher's logits; give them, or set SoftWeight to 0.", nameof(inputs));
        int rows = inputs.TeacherRows.Length > 0 ? teacher.Rows : student.Rows;
        Check.Shape(teacher, rows, student.Columns, "as the student's logits (rows may differ where TeacherRows gathers them)");
    }
}
