using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A dense layer's backward pass to its parameters in one launch: weightGradients = input^T gradient, biasGradients = the
/// column sums of gradient. The matrices may be in bf16, what they give to the optimizer is in single precision.
/// </summary>
/// <remarks>
/// Sums run over the batch in the order of its rows; nothing is divided by the batch size, which is the objective's affair.
/// Errors as in <see cref="MatrixProduct"/>.
/// </remarks>
public static partial class DenseBackwardWeights
{
    private static readonly VariantTable<Arguments<float>> Variants =
        new(nameof(DenseBackwardWeights), BindPortable, BindCpu, BindCuda<float, AcrossFloats>, CudaGemmLaunch.Runs);

    private static readonly VariantTable<Arguments<ushort>> BFloat16Variants = new(
        nameof(DenseBackwardWeights),
        (context, a) => BindWidened(context, a, KernelVariant.Portable),
        BindWidened,
        BindCuda<ushort, AcrossBFloat16>,
        CudaGemmLaunch.Runs);

    /// <summary>Binds the operation to its buffers.</summary>
    /// <typeparam name="T"><see cref="float"/> or <see cref="BFloat16"/>.</typeparam>
    /// <param name="context">The device.</param>
    /// <param name="input">x, [B x K].</param>
    /// <param name="gradient">The gradient at the layer's preactivation, [B x M].</param>
    /// <param name="weightGradients">Receives the gradient of W, [K x M]; overwritten, and apart from all else.</param>
    /// <param name="biasGradients">Receives the gradient of b, [M]; overwritten, and apart from all else.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, one is empty, or what is written overlaps something.</exception>
    /// <exception cref="NotSupportedException">
    /// There are no kernels for <typeparamref name="T"/>, the context is one of products in bf16 alone, or the variant cannot run.
    /// </exception>
    public static Launch Bind<T>(
        KernelContext context,
        Matrix<T> input,
        Matrix<T> gradient,
        Matrix<float> weightGradients,
        ArrayView<float> biasGradients,
        KernelVariant variant = KernelVariant.Auto)
        where T : unmanaged
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
        return DenseShapes.AreBFloat16<T>(context, nameof(DenseBackwardWeights))
            ? BFloat16Variants.Bind(context, Of(StorageType.Bits(input), StorageType.Bits(gradient), weightGradients, biasGradients), variant)
            : Variants.Bind(context, Of(StorageType.Floats(input), StorageType.Floats(gradient), weightGradients, biasGradients), variant);
    }

    private static Arguments<T> Of<T>(
        Matrix<T> input, Matrix<T> gradient, Matrix<float> weightGradients, ArrayView<float> biasGradients)
        where T : unmanaged => new()
        {
            Product = GemmArguments<T>.Of(input, true, gradient, false),
            WeightGradients = weightGradients.Data,
            BiasGradients = biasGradients,
        };

    private static Launch BindWidened(KernelContext context, Arguments<ushort> a, KernelVariant variant) =>
        WidenedBuffers.Around(context, variant, buffers =>
        {
            Arguments<float> wide = new()
            {
                Product = a.Product.With(buffers.Read(a.Product.Left), buffers.Read(a.Product.Right)),
                WeightGradients = a.WeightGradients,
                BiasGradients = a.BiasGradients,
            };
            return Variants.Bind(context, wide, variant);
        });

    internal struct Arguments<T>
        where T : unmanaged
    {
        public GemmArguments<T> Product;
        public ArrayView<float> WeightGradients;
        public ArrayView<float> BiasGradients;
    }
}
