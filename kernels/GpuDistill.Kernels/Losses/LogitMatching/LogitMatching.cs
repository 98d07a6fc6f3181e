namespace GpuDistill.Kernels;

/// <summary>
/// Matching the teacher's logits v with the student's z, forward and backward: the limit of distillation at a high
/// temperature when logits are zero-meaned per case (Hinton, Vinyals and Dean 2015, section 2.1).
/// </summary>
/// <remarks>
/// <para>Per row, with z' = z - mean(z) and v' = v - mean(v), or z and v themselves without
/// <see cref="LogitMatchingOptions.ZeroMean"/>: loss = 1/(2C) sum_i (z'[i] - v'[i])^2, gradient = (z'[i] - v'[i]) / C. This is
/// exactly the limit of the soft objective scaled by T^2, and of its gradient.</para>
/// <para>A class whose logit is -infinity for the student or the teacher is left out of its row: C and the means count those
/// that are kept, and its gradient is 0. The loss is reported as Soft and KlDivergence; Hard is 0; Total is Weight times
/// Soft. Labels only count.</para>
/// <para>A row is invalid where a logit is NaN or +infinity, where no class is kept, where its label is neither a class nor the ignore
/// index, or where its row index points outside the teacher's logits. It is left out with losses and gradient 0; how it
/// counts in the totals and in <see cref="Reduction.Mean"/>, and its number, are those of <see cref="DistillationLoss"/>.</para>
/// </remarks>
public static partial class LogitMatching
{
    private static readonly VariantTable<Arguments> Variants = new(nameof(LogitMatching), BindPortable, BindCpu, BindCuda);

    /// <summary>Binds the operation to its buffers.</summary>
    /// <typeparam name="T">The type of the logits in memory: float.</typeparam>
    /// <param name="context">The device.</param>
    /// <param name="inputs">Student [N x C], N at least 1, C at least 2; teacher [M x C]; no class weights.</param>
    /// <param name="outputs">What is wanted, at least one; the gradient may be the student's logits themselves, all else is apart.</param>
    /// <param name="options">Weight, zero-meaning and reduction; null for the defaults.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, buffers overlap, or there is nothing to write.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is not float, or the variant cannot run here.</exception>
    public static Launch Bind<T>(
        KernelContext context,
        DistillationInputs<T> inputs,
        DistillationOutputs<T> outputs,
        LogitMatchingOptions? options = null,
        KernelVariant variant = KernelVariant.Auto)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(context);
        if (typeof(T) != typeof(float))
            throw StorageType.NotSupported<T>(nameof(LogitMatching));
        return Bind(context, (DistillationInputs<float>)(object)inputs, (DistillationOutputs<float>)(object)outputs, options ?? new(), variant);
    }

    private static Launch Bind(
        KernelContext context,
        DistillationInputs<float> inputs,
        DistillationOutputs<float> outputs,
        LogitMatchingOptions options,
        KernelVariant variant)
    {
        CheckOptions(options);
        CheckInputs(inputs);
        LossChecks.Outputs(inputs, outputs);
        bool counts = options.Normalizer is null && options.Reduction == Reduction.Mean;
        Arguments arguments = new()
        {
            ZeroMean = options.ZeroMean ? 1 : 0,
            Loss = LossArguments.Of(inputs, outputs, new LossSettings
            {
                Columns = inputs.Student.Columns,
                SoftWeight = options.Weight,
                IgnoreIndex = options.IgnoreIndex,
                TeacherCount = inputs.Teacher.Rows,
                Soft = 1,
                Counts = counts ? 1 : 0,
                SoftReduction = options switch
                {
                    { Normalizer: float normalizer } => 1 / normalizer,
                    { Reduction: Reduction.BatchMean } => 1f / inputs.Student.Rows,
                    _ => 1,
                },
            }),
        };
        return Variants.Bind(context, arguments, variant);
    }

    internal struct Arguments
    {
        /// <summary>The rows and what is written of them, as a soft loss.</summary>
        public LossArguments<float> Loss;
        public int ZeroMean;
    }

    /// <summary>What can be said of options before there is a batch.</summary>
    internal static void CheckOptions(LogitMatchingOptions options)
    {
        Check.NotNegative(options.Weight);
        LossChecks.Reduction(options.Reduction, options.Normalizer);
    }

    private static void CheckInputs(DistillationInputs<float> inputs)
    {
        if (inputs.Student.Rows < 1 || inputs.Student.Columns < 2)
            throw new ArgumentException($"inputs.Student is {inputs.Student.Shape}; it needs at least 1 row and 2 classes.", nameof(inputs));
        int rows = inputs.Student.Rows;
        bool gathered = inputs.TeacherRows.Length > 0;
        if (gathered)
            Check.Length(inputs.TeacherRows, rows, "one for each row of the student");
        int teacherRows = gathered ? Math.Max(1, inputs.Teacher.Rows) : rows;
        string reason = gathered ? "as wide as the student" : "as the student, since inputs.TeacherRows is empty";
        Check.Shape(inputs.Teacher, teacherRows, inputs.Student.Columns, reason);
        if (inputs.Labels.Length > 0)
            Check.Length(inputs.Labels, rows, "one for each row of the student");
        if (inputs.ClassWeights.Length > 0)
            throw new ArgumentException("Class weights belong to a hard objective, and logit matching has none; leave inputs.ClassWeights empty.", nameof(inputs));
    }
}
