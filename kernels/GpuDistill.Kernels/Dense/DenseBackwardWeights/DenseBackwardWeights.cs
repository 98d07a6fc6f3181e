using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A dense layer's backward pass to its parameters in one launch: weightGradients = input^T gradient, biasGradients = the
/// column sums of gradient.
/// </summary>
/// <remarks>
/// Sums run over the batch in the order of its rows; nothing is divided by the batch size, which is the objective's affair.
/// Errors as in <see cref="MatrixProduct"/>.
/// </remarks>
public static partial class DenseBackwardWeights
{
    private static readonly VariantTable<Arguments> Variants = new(nameof(DenseBackwardWeights), BindPortable, BindCpu, BindCuda, CudaGemmLaunch.Runs);

    /// <summary>Binds the operation to its buffers.</summary>
    /// <param name="context">The device.</param>
    /// <param name="input">x, [B x K].</param>
    /// <param name="gradient">The gradient at the layer's preactivation, [B x M].</param>
    /// <param name="weightGradients">Receives the gradient of W, [K x M]; overwritten, and apart from all else.</param>
    /// <param name="biasGradients">Receives the gradient of b, [M]; overwritten, and apart from all else.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, one is empty, or what is written overlaps something.</exception>
    public static Launch Bind(
        KernelContext context,
        Matrix<float> input,
        Matrix<float> gradient,
        Matrix<float> weightGradients,
        ArrayView<float> biasGradients,
        KernelVariant variant = KernelVariant.Auto)
    {
        ArgumentNullException.ThrowIfNull(context);
        DenseShapes.NotEmpty(input);
        DenseShapes.NotEmpty(gradient);
        Check.Shape(gradient, input.Rows, gradient.Columns, "one row per row of input");
        Check.Shape(weightGradients, input.Columns, gradient.Columns, "a row per column of input, a column per column of gradient");
        Check.Length(biasGradients, gradient.Columns, "one per column of gradient");
        Check.Apart(input.Data, weightGradients.Data);
        Check.Apart(gradient.Data, weightGradients.Data);
        Check.Apart(input.Data, biasGradients);
        Check.Apart(gradient.Data, biasGradients);
        Check.Apart(weightGradients.Data, biasGradients);
        Arguments arguments = new()
        {
            Product = GemmArguments.Of(input, true, gradient, false, weightGradients),
            BiasGradients = biasGradients,
        };
        return Variants.Bind(context, arguments, variant);
    }

    internal struct Arguments
    {
        public GemmArguments Product;
        public ArrayView<float> BiasGradients;
    }
}
