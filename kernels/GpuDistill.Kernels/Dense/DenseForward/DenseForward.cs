using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A dense layer's forward pass in one launch: output = dropout(activation(input weights + biases)), of matrices in single precision
/// or bf16. Of operands in bf16 the output may be in single precision: logits, which a loss exponentiates, come as the sums that they are.
/// </summary>
/// <remarks>
/// The product has the error of <see cref="MatrixProduct"/>; activations are exact but for GELU (within 1e-6 relative for a
/// above -3, 2e-7 |a| everywhere) and tanh (within 5e-7 relative). NaN stays NaN unless dropped. In bf16 all is computed in single
/// precision, and what is stored is rounded once.
/// </remarks>
public static partial class DenseForward
{
    private static readonly VariantTable<Arguments<float, float>> Variants =
        new(nameof(DenseForward), BindPortable, BindCpu, BindCuda<float, float, FloatStorage, AlongFloats, AcrossFloats>, CudaGemmLaunch.Runs);

    private static readonly VariantTable<Arguments<ushort, ushort>> BFloat16Variants = new(
        nameof(DenseForward),
        (context, a) => BindWidened(context, a, KernelVariant.Portable),
        BindWidened,
        BindCuda<ushort, ushort, BFloat16Storage, AlongBFloat16, AcrossBFloat16>,
        CudaGemmLaunch.Runs);

    private static readonly VariantTable<Arguments<ushort, float>> WideOutputVariants = new(
        nameof(DenseForward),
        (context, a) => BindWidened(context, a, KernelVariant.Portable),
        BindWidened,
        BindCuda<ushort, float, FloatStorage, AlongBFloat16, AcrossBFloat16>,
        CudaGemmLaunch.Runs);

    /// <summary>Binds the operation to its buffers.</summary>
    /// <typeparam name="T"><see cref="float"/> or <see cref="BFloat16"/>.</typeparam>
    /// <typeparam name="TOutput">The same, or of <see cref="BFloat16"/> also <see cref="float"/>.</typeparam>
    /// <param name="context">The device.</param>
    /// <param name="input">x, [B x K].</param>
    /// <param name="weights">W, [K x M].</param>
    /// <param name="biases">b, [M].</param>
    /// <param name="output">dropout(f(x W + b)), [B x M]; overwritten, and apart from all else.</param>
    /// <param name="activation">f.</param>
    /// <param name="dropout">Dropout of the output, or null.</param>
    /// <param name="preactivation">If given, receives x W + b, [B x M]: the backward pass of GELU needs it.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, one is empty, or what is written overlaps something.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The dropout rate is not in [0, 1), or there is no such activation.</exception>
    /// <exception cref="NotSupportedException">
    /// There are no kernels for the types, the context is one of products in bf16 alone, or the variant cannot run.
    /// </exception>
    public static Launch Bind<T, TOutput>(
        KernelContext context,
        Matrix<T> input,
        Matrix<T> weights,
        ArrayView<float> biases,
        Matrix<TOutput> output,
        Activation activation = Activation.Identity,
        Dropout? dropout = null,
        Matrix<TOutput>? preactivation = null,
        KernelVariant variant = KernelVariant.Auto)
        where T : unmanaged
        where TOutput : unmanaged
    {
        ArgumentNullException.ThrowIfNull(context);
        DenseShapes.NotEmpty(input);
        DenseShapes.NotEmpty(weights);
        DenseShapes.Defined(activation);
        DropoutArguments.Check(dropout);
        Check.Shape(weights, input.Columns, weights.Columns, "one row per column of input");
        Check.Length(biases, weights.Columns, "one per column of weights");
        Check.Shape(output, input.Rows, weights.Columns, "a row per row of input, a column per column of weights");
        Check.Apart(input.Data, output.Data);
        Check.Apart(weights.Data, output.Data);
        Check.Apart(biases, output.Data);
        Matrix<TOutput> kept = preactivation ?? output;
        if (preactivation is not null)
        {
            Check.SameShape(output, kept, nameof(output), nameof(preactivation));
            Check.Apart(output.Data, kept.Data, nameof(output), nameof(preactivation));
            Check.Apart(input.Data, kept.Data, nameof(input), nameof(preactivation));
            Check.Apart(weights.Data, kept.Data, nameof(weights), nameof(preactivation));
            Check.Apart(biases, kept.Data, nameof(biases), nameof(preactivation));
        }

        Settings settings = new()
        {
            Biases = biases,
            KeepsPreactivation = preactivation is null ? 0 : 1,
            Activation = (int)activation,
            Dropout = DropoutArguments.Of(dropout, biases),
        };
        bool wideOutput = !StorageType.IsBFloat16<TOutput>(nameof(DenseForward));
        if (!DenseShapes.AreBFloat16<T>(context, nameof(DenseForward)))
        {
            if (!wideOutput)
                throw new NotSupportedException($"{nameof(DenseForward)} has no output in bf16 of matrices in single precision.");
            return Variants.Bind(
                context, Of(StorageType.Floats(input), StorageType.Floats(weights), StorageType.Floats(output), StorageType.Floats(kept), settings), variant);
        }

        Matrix<ushort> inputBits = StorageType.Bits(input);
        Matrix<ushort> weightBits = StorageType.Bits(weights);
        return wideOutput
            ? WideOutputVariants.Bind(context, Of(inputBits, weightBits, StorageType.Floats(output), StorageType.Floats(kept), settings), variant)
            : BFloat16Variants.Bind(context, Of(inputBits, weightBits, StorageType.Bits(output), StorageType.Bits(kept), settings), variant);
    }

    private static Arguments<T, TOutput> Of<T, TOutput>(
        Matrix<T> input, Matrix<T> weights, Matrix<TOutput> output, Matrix<TOutput> preactivation, Settings settings)
        where T : unmanaged
        where TOutput : unmanaged => new()
        {
            Product = GemmArguments<T>.Of(input, false, weights, false),
            Output = output.Data,
            Preactivation = preactivation.Data,
            Settings = settings,
        };

    private static Launch BindWidened<TOutput>(KernelContext context, Arguments<ushort, TOutput> a, KernelVariant variant)
        where TOutput : unmanaged =>
        WidenedBuffers.Around(context, variant, buffers =>
        {
            Arguments<float, float> wide = new()
            {
                Product = a.Product.With(buffers.Read(a.Product.Left), buffers.Read(a.Product.Right)),
                Output = buffers.Write(a.Output),
                Settings = a.Settings,
            };
            wide.Preactivation = a.Settings.KeepsPreactivation != 0 ? buffers.Write(a.Preactivation) : wide.Output;
            return Variants.Bind(context, wide, variant);
        });

    internal struct Arguments<T, TOutput>
        where T : unmanaged
        where TOutput : unmanaged
    {
        public GemmArguments<T> Product;
        public ArrayView<TOutput> Output;

        /// <summary>The output again where it is not wanted.</summary>
        public ArrayView<TOutput> Preactivation;
        public Settings Settings;
    }

    /// <summary>What follows the product.</summary>
    internal struct Settings
    {
        public ArrayView<float> Biases;
        public int KeepsPreactivation;
        public int Activation;
        public DropoutArguments Dropout;
    }
}
