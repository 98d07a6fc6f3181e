using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// The cross entropy of a softmax at T = 1 with the correct labels, forward and backward in one operation, with label
/// smoothing and class weights as PyTorch's cross_entropy defines them: <see cref="DistillationLoss"/> without a teacher.
/// </summary>
/// <remarks>
/// Rows that carry the ignore index have no loss and gradient 0. What holds for <see cref="DistillationLoss"/> of
/// stability, invalid rows and totals holds here.
/// </remarks>
public static class CrossEntropy
{
    /// <summary>Binds the operation to its buffers.</summary>
    /// <typeparam name="T">The type of the logits in memory: float, <see cref="System.Half"/> (or ILGPU's) or <see cref="BFloat16"/>.</typeparam>
    /// <param name="context">The device.</param>
    /// <param name="logits">Logits, [N x C], C at least 2.</param>
    /// <param name="labels">[N]: correct classes, or the ignore index.</param>
    /// <param name="outputs">What is written; whatever is left empty is not. Soft losses are 0.</param>
    /// <param name="options">Settings; the defaults where null.</param>
    /// <param name="classWeights">[C]: weights of the classes, finite and at least 0; empty for 1 each.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">A shape does not fit, labels are missing, or buffers overlap.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="NotSupportedException">There are no kernels for <typeparamref name="T"/>, or the variant cannot run.</exception>
    public static Launch Bind<T>(
        KernelContext context,
        Matrix<T> logits,
        ArrayView<int> labels,
        DistillationOutputs<T> outputs,
        CrossEntropyOptions? options = null,
        ArrayView<float> classWeights = default,
        KernelVariant variant = KernelVariant.Auto)
        where T : unmanaged
    {
        options ??= new CrossEntropyOptions();
        if (labels.Length == 0)
            throw new ArgumentException("Cross entropy needs labels; give one for each row of the logits.", nameof(labels));
        DistillationInputs<T> inputs = new() { Student = logits, Labels = labels, ClassWeights = classWeights };
        return DistillationLoss.Bind(context, inputs, outputs, AsDistillation(options), variant);
    }

    /// <summary>The options, if they are in their ranges: for whoever has no batch yet.</summary>
    internal static CrossEntropyOptions Checked(CrossEntropyOptions options)
    {
        DistillationLoss.CheckOptions(AsDistillation(options));
        return options;
    }

    private static DistillationOptions AsDistillation(CrossEntropyOptions options) => new()
    {
        Temperature = 1,
        SoftWeight = 0,
        HardWeight = 1,
        LabelSmoothing = options.LabelSmoothing,
        Reduction = options.Reduction,
        Normalizer = options.Normalizer,
        IgnoreIndex = options.IgnoreIndex,
    };
}
