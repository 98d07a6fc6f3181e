using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A dense layer's backward pass to its input in one launch: inputGradient = gradient weights^T, then, with a
/// <see cref="Producer{T}"/>, through the producing layer's dropout and activation, which gives the gradient at that layer's
/// preactivation: what its own backward passes take.
/// </summary>
/// <remarks>
/// The derivative of ReLU and tanh is taken from the producer's output, with the dropout undone; where the mask dropped, the
/// gradient is 0. Every number is finite if the inputs are; errors and types as in <see cref="DenseForward"/>.
/// </remarks>
public static partial class DenseBackwardInput
{
    private static readonly VariantTable<Arguments<float>> Variants =
        new(nameof(DenseBackwardInput), BindPortable, BindCpu, BindCuda<float, FloatStorage, AlongFloats, AlongFloats>, CudaGemmLaunch.Runs);

    private static readonly VariantTable<Arguments<ushort>> BFloat16Variants = new(
        nameof(DenseBackwardInput),
        (context, a) => BindWidened(context, a, KernelVariant.Portable),
        BindWidened,
        BindCuda<ushort, BFloat16Storage, AlongBFloat16, AlongBFloat16>,
        CudaGemmLaunch.Runs);

    /// <summary>Binds the operation to its buffers.</summary>
    /// <typeparam name="T"><see cref="float"/> or <see cref="BFloat16"/>.</typeparam>
    /// <param name="context">The device.</param>
    /// <param name="gradient">The gradient at the layer's preactivation, [B x M].</param>
    /// <param name="weights">W, [K x M].</param>
    /// <param name="inputGradient">
    /// The gradient at the layer's input, or with a producer at the producer's preactivation, [B x K]; overwritten, and apart from
    /// all else.
    /// </param>
    /// <param name="producer">The layer that produced the input, or null.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">
    /// The shapes do not fit, one is empty, what is written overlaps something, or GELU's preactivation is missing.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The dropout rate is not in [0, 1), or there is no such activation.</exception>
    /// <exception cref="NotSupportedException">
    /// There are no kernels for <typeparamref name="T"/>, the context is one of products in bf16 alone, or the variant cannot run.
    /// </exception>
    public static Launch Bind<T>(
        KernelContext context,
        Matrix<T> gradient,
        Matrix<T> weights,
        Matrix<T> inputGradient,
        Producer<T>? producer = null,
        KernelVariant variant = KernelVariant.Auto)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(context);
        DenseShapes.NotEmpty(gradient);
        DenseShapes.NotEmpty(weights);
        Check.Shape(weights, weights.Rows, gradient.Columns, "one column per column of gradient");
        Check.Shape(inputGradient, gradient.Rows, weights.Rows, "a row per row of gradient, a column per row of weights");
        Check.Apart(gradient.Data, inputGradient.Data);
        Check.Apart(weights.Data, inputGradient.Data);
        if (producer is not null)
            CheckProducer(producer, inputGradient);
        Matrix<T> output = producer?.Output ?? inputGradient;
        Matrix<T> preactivation = producer is { Activation: Activation.Gelu, Preactivation: { } given } ? given : inputGradient;
        Settings settings = new()
        {
            Activation = (int)(producer?.Activation ?? Activation.Identity),
            Dropout = DropoutArguments.Of(producer?.Dropout, inputGradient.Data),
        };
        return DenseShapes.AreBFloat16<T>(context, nameof(DenseBackwardInput))
            ? BFloat16Variants.Bind(
                context,
                Of(StorageType.Bits(gradient), StorageType.Bits(weights), StorageType.Bits(inputGradient), StorageType.Bits(output), StorageType.Bits(preactivation), settings),
                variant)
            : Variants.Bind(
                context,
                Of(StorageType.Floats(gradient), StorageType.Floats(weights), StorageType.Floats(inputGradient), StorageType.Floats(output), StorageType.Floats(preactivation), settings),
                variant);
    }

    private static void CheckProducer<T>(Producer<T> producer, Matrix<T> inputGradient)
        where T : unmanaged
    {
        DenseShapes.Defined(producer.Activation);
        DropoutArguments.Check(producer.Dropout);
        Check.SameShape(inputGradient, producer.Output);
        Check.Apart(producer.Output.Data, inputGradient.Data);
        if (producer.Activation != Activation.Gelu)
            return;
        if (producer.Preactivation is not { } preactivation)
        {
            throw new ArgumentException(
                "The derivative of GELU needs the producer's preactivation; have DenseForward store it.", nameof(producer));
        }

        Check.SameShape(inputGradient, preactivation);
        Check.Apart(preactivation.Data, inputGradient.Data);
    }

    private static Arguments<T> Of<T>(
        Matrix<T> gradient, Matrix<T> weights, Matrix<T> inputGradient, Matrix<T> output, Matrix<T> preactivation, Settings settings)
        where T : unmanaged => new()
        {
            Product = GemmArguments<T>.Of(gradient, false, weights, true),
            InputGradient = inputGradient.Data,
            Output = output.Data,
            Preactivation = preactivation.Data,
            Settings = settings,
        };

    private static Launch BindWidened(KernelContext context, Arguments<ushort> a, KernelVariant variant) =>
        WidenedBuffers.Around(context, variant, buffers =>
        {
            Arguments<float> wide = new()
            {
                Product = a.Product.With(buffers.Read(a.Product.Left), buffers.Read(a.Product.Right)),
                InputGradient = buffers.Write(a.InputGradient),
                Settings = a.Settings,
            };
            bool needsOutput = a.Settings.Activation is ActivationMath.Relu or ActivationMath.Tanh;
            wide.Output = needsOutput ? buffers.Read(a.Output) : wide.InputGradient;
            wide.Preactivation = a.Settings.Activation == ActivationMath.Gelu ? buffers.Read(a.Preactivation) : wide.InputGradient;
            return Variants.Bind(context, wide, variant);
        });

    internal struct Arguments<T>
        where T : unmanaged
    {
        public GemmArguments<T> Product;
        public ArrayView<T> InputGradient;

        /// <summary>The producer's output; the result again without a producer.</summary>
        public ArrayView<T> Output;

        /// <summary>The producer's preactivation for GELU; else the result again.</summary>
        public ArrayView<T> Preactivation;
        public Settings Settings;
    }

    /// <summary>The producer's backward pass.</summary>
    internal struct Settings
    {
        public int Activation;
        public DropoutArguments Dropout;
    }
}
