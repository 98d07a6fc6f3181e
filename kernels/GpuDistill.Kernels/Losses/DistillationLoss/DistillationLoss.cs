namespace GpuDistill.Kernels;

/// <summary>
/// The loss of distillation, forward and backward in one operation: the weighted sum of the cross entropy with a teacher's
/// soft targets at temperature T and the cross entropy with the correct labels at T = 1 (Hinton, Vinyals and Dean 2015,
/// section 2), with the gradient with respect to the student's logits.
/// </summary>
/// <remarks>
/// <para>
/// Per row, with student logits z, teacher logits v and label y: q = softmax(z / T), p = softmax(v / T) and
/// p' = (1 - b) p + b onehot(y), where b is <see cref="DistillationOptions.LabelBlend"/> for a labelled row and else 0. The
/// soft loss is scale * -sum p' log q, scale being T^2 or 1; the hard loss is -log softmax(z)[y], with class weights and label
/// smoothing as PyTorch's cross_entropy defines them. Unlabelled rows have the soft loss alone. Losses are in nats.
/// </para>
/// <para>
/// An objective of weight 0 is not computed and its losses are 0: without a soft weight the teacher is neither needed nor
/// read; without a hard weight labels still count <see cref="LossTotals.Labelled"/> and <see cref="LossTotals.Correct"/>.
/// Where both weights are 0 the hard loss is still reported, and the gradient is 0. What would have no effect is refused: a
/// blend without a soft weight, smoothing or class weights without a hard loss, a hard weight without labels.
/// </para>
/// <para>
/// Stable for finite logits and T from 1e-3 to 1e6. A logit of -infinity has probability 0, and a teacher's probability of 0
/// (below about 1e-38 of its largest) adds nothing whatever the student's. A row without a loss is left out: its losses and
/// its gradient are 0, and the totals name the first such row by its place in the batch, as the row of the teacher's logits
/// where rows are gathered (but by its place where just that index is wrong). Rows left out for their label or
/// their teacher row do not count in <see cref="Reduction.Mean"/>; rows left out for their logits or a class weight do, and a
/// label's weight that is negative, infinite or NaN adds nothing to the weights that the mean divides by.
/// </para>
/// </remarks>
public static partial class DistillationLoss
{
    /// <summary>
    /// Teacher and student logits of a row that span at most half a temperature make it "flat": every exponential is near 1
    /// and q - p is a small difference of nearly equal numbers, which is then computed from e^x - 1 instead. Looked for
    /// only from this temperature on; below it, the plain difference is as good.
    /// </summary>
    internal const float LowestFlatTemperature = 16;

    /// <summary>Binds the operation to its buffers.</summary>
    /// <typeparam name="T">
    /// The type of the logits and the gradient in memory: float, <see cref="System.Half"/> (or ILGPU's type of the same bits) or
    /// <see cref="BFloat16"/>. All is computed in single precision, and a gradient rounded once.
    /// </typeparam>
    /// <param name="context">The device.</param>
    /// <param name="inputs">Logits and labels; their documentation has the shapes.</param>
    /// <param name="outputs">What is written; whatever is left empty is not.</param>
    /// <param name="options">Settings; the defaults where null.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">A shape does not fit, a buffer that is needed is missing, nothing is written, or buffers overlap.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="NotSupportedException">There are no kernels for <typeparamref name="T"/>, or the variant cannot run.</exception>
    public static Launch Bind<T>(
        KernelContext context,
        DistillationInputs<T> inputs,
        DistillationOutputs<T> outputs,
        DistillationOptions? options = null,
        KernelVariant variant = KernelVariant.Auto)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(context);
        options ??= new DistillationOptions();
        if (StorageType.IsHalf<T>())
            return Bind<ushort, HalfStorage>(context, Bits(inputs), Bits(outputs), options, variant);
        if (typeof(T) == typeof(BFloat16))
            return Bind<ushort, BFloat16Storage>(context, Bits(inputs), Bits(outputs), options, variant);
        if (typeof(T) != typeof(float))
            throw StorageType.NotSupported<T>(nameof(DistillationLoss), StorageType.Names);
        return Bind<float, FloatStorage>(
            context, (DistillationInputs<float>)(object)inputs, (DistillationOutputs<float>)(object)outputs, options, variant);
    }

    private static DistillationInputs<ushort> Bits<T>(DistillationInputs<T> inputs)
        where T : unmanaged => new()
        {
            Student = StorageType.Bits(inputs.Student),
            Teacher = StorageType.Bits(inputs.Teacher),
            TeacherRows = inputs.TeacherRows,
            Labels = inputs.Labels,
            ClassWeights = inputs.ClassWeights,
        };

    private static DistillationOutputs<ushort> Bits<T>(DistillationOutputs<T> outputs)
        where T : unmanaged => new()
        {
            Gradient = StorageType.Bits(outputs.Gradient),
            SoftLosses = outputs.SoftLosses,
            HardLosses = outputs.HardLosses,
            TotalLosses = outputs.TotalLosses,
            Totals = outputs.Totals,
            Running = outputs.Running,
        };

    private static Launch Bind<T, TStorage>(
        KernelContext context,
        DistillationInputs<T> inputs,
        DistillationOutputs<T> outputs,
        DistillationOptions options,
        KernelVariant variant)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>, ISimdStorage<T>
    {
        CheckOptions(options);
        CheckInputs(inputs, options);
        LossChecks.Outputs(inputs, outputs);
        LossArguments<T> arguments = LossArguments.Of(inputs, outputs, SettingsOf(inputs, options));
        return Table<T, TStorage>.Variants.Bind(context, arguments, variant);
    }

    private static LossSettings SettingsOf<T>(DistillationInputs<T> inputs, DistillationOptions options)
        where T : unmanaged
    {
        bool counts = options.Reduction == Reduction.Mean && options.Normalizer is null;
        float reduction = 1;
        if (options.Normalizer is float normalizer)
            reduction = 1 / normalizer;
        else if (options.Reduction == Reduction.BatchMean)
            reduction = 1f / inputs.Student.Rows;
        bool soft = options.SoftWeight > 0;
        return new LossSettings
        {
            Columns = inputs.Student.Columns,
            InverseTemperature = 1 / options.Temperature,
            SoftScale = options.ScaleByTemperatureSquared ? options.Temperature * options.Temperature : 1,
            SoftWeight = options.SoftWeight,
            HardWeight = options.HardWeight,
            Smoothing = options.LabelSmoothing,
            SmoothingPerClass = options.LabelSmoothing / inputs.Student.Columns,
            Blend = options.LabelBlend,
            IgnoreIndex = options.IgnoreIndex,
            TeacherCount = soft ? inputs.Teacher.Rows : int.MaxValue,
            Soft = soft ? 1 : 0,
            Hard = options.HasHard ? 1 : 0,
            SeeksFlatRows = soft && options.Temperature >= LowestFlatTemperature ? 1 : 0,
            Counts = counts ? 1 : 0,
            SoftReduction = reduction,
            HardReduction = reduction,
        };
    }

    private static class Table<T, TStorage>
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>, ISimdStorage<T>
    {
        public static readonly VariantTable<LossArguments<T>> Variants =
            new(nameof(DistillationLoss), BindPortable<T, TStorage>, BindCpu<T, TStorage>, BindCuda<T, TStorage>);
    }
}
