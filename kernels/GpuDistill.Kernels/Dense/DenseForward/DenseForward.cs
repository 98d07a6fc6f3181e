using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A dense layer's forward pass in one launch: output = dropout(activation(input weights + biases)).
/// </summary>
/// <remarks>
/// The product has the error of <see cref="MatrixProduct"/>; activations are exact but for GELU (within 1e-6 relative for a
/// above -3, 2e-7 |a| everywhere) and tanh (within 5e-7 relative). NaN stays NaN unless dropped.
/// </remarks>
public static partial class DenseForward
{
    private static readonly VariantTable<Arguments> Variants = new(nameof(DenseForward), BindPortable, BindCpu, BindCuda, CudaGemmLaunch.Runs);

    /// <summary>Binds the operation to its buffers.</summary>
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
    public static Launch Bind(
        KernelContext context,
        Matrix<float> input,
        Matrix<float> weights,
        ArrayView<float> biases,
        Matrix<float> output,
        Activation activation = Activation.Identity,
        Dropout? dropout = null,
        Matrix<float>? preactivation = null,
        KernelVariant variant = KernelVariant.Auto)
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
        Matrix<float> kept = preactivation ?? output;
        if (preactivation is not null)
        {
            Check.SameShape(output, kept, nameof(output), nameof(preactivation));
            Check.Apart(output.Data, kept.Data, nameof(output), nameof(preactivation));
            Check.Apart(input.Data, kept.Data, nameof(input), nameof(preactivation));
            Check.Apart(weights.Data, kept.Data, nameof(weights), nameof(preactivation));
            Check.Apart(biases, kept.Data, nameof(biases), nameof(preactivation));
        }

        Arguments arguments = new()
        {
            Product = GemmArguments.Of(input, false, weights, false, output),
            Biases = biases,
            Preactivation = kept.Data,
            KeepsPreactivation = preactivation is null ? 0 : 1,
            Activation = (int)activation,
            Dropout = DropoutArguments.Of(dropout, output.Data),
        };
        return Variants.Bind(context, arguments, variant);
    }

    internal struct Arguments
    {
        public GemmArguments Product;
        public ArrayView<float> Biases;

        /// <summary>The output again where it is not wanted.</summary>
        public ArrayView<float> Preactivation;
        public int KeepsPreactivation;
        public int Activation;
        public DropoutArguments Dropout;
    }
}
