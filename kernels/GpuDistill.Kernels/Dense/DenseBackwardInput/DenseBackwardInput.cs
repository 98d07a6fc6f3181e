using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A dense layer's backward pass to its input in one launch: inputGradient = gradient weights^T, then, with a
/// <see cref="Producer"/>, through the producing layer's dropout and activation, which gives the gradient at that layer's
/// preactivation: what its own backward passes take.
/// </summary>
/// <remarks>
/// The derivative of ReLU and tanh is taken from the producer's output, with the dropout undone; where the mask dropped, the
/// gradient is 0. Every number is finite if the inputs are; errors as in <see cref="DenseForward"/>.
/// </remarks>
public static partial class DenseBackwardInput
{
    private static readonly VariantTable<Arguments> Variants = new(nameof(DenseBackwardInput), BindPortable, BindCpu, BindCuda, CudaGemmLaunch.Runs);

    /// <summary>Binds the operation to its buffers.</summary>
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
    public static Launch Bind(
        KernelContext context,
        Matrix<float> gradient,
        Matrix<float> weights,
        Matrix<float> inputGradient,
        Producer? producer = null,
        KernelVariant variant = KernelVariant.Auto)
    {
        ArgumentNullException.ThrowIfNull(context);
        DenseShapes.NotEmpty(gradient);
        DenseShapes.NotEmpty(weights);
        Check.Shape(weights, weights.Rows, gradient.Columns, "one column per column of gradient");
        Check.Shape(inputGradient, gradient.Rows, weights.Rows, "a row per row of gradient, a column per row of weights");
        Check.Apart(gradient.Data, inputGradient.Data);
        Check.Apart(weights.Data, inputGradient.Data);
        Arguments arguments = new()
        {
            Product = GemmArguments.Of(gradient, false, weights, true, inputGradient),
            Output = inputGradient.Data,
            Preactivation = inputGradient.Data,
            Activation = ActivationMath.Identity,
            Dropout = DropoutArguments.Of(null, inputGradient.Data),
        };
        if (producer is not null)
            Add(producer, inputGradient, ref arguments);
        return Variants.Bind(context, arguments, variant);
    }

    private static void Add(Producer producer, Matrix<float> inputGradient, ref Arguments arguments)
    {
        DenseShapes.Defined(producer.Activation);
        DropoutArguments.Check(producer.Dropout);
        Check.SameShape(inputGradient, producer.Output);
        Check.Apart(producer.Output.Data, inputGradient.Data);
        arguments.Activation = (int)producer.Activation;
        arguments.Dropout = DropoutArguments.Of(producer.Dropout, inputGradient.Data);
        arguments.Output = producer.Output.Data;
        if (producer.Activation != Activation.Gelu)
            return;
        if (producer.Preactivation is not { } preactivation)
        {
            throw new ArgumentException(
                "The derivative of GELU needs the producer's preactivation; have DenseForward store it.", nameof(producer));
        }

        Check.SameShape(inputGradient, preactivation);
        Check.Apart(preactivation.Data, inputGradient.Data);
        arguments.Preactivation = preactivation.Data;
    }

    internal struct Arguments
    {
        public GemmArguments Product;

        /// <summary>The producer's output; the result again without a producer.</summary>
        public ArrayView<float> Output;

        /// <summary>The producer's preactivation for GELU; else the result again.</summary>
        public ArrayView<float> Preactivation;
        public int Activation;
        public DropoutArguments Dropout;
    }
}
