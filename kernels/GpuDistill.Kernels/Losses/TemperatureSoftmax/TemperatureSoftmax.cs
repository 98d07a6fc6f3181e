using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Softmax at a temperature, q(T)[i] = exp(z[i]/T) / sum_j exp(z[j]/T) (Hinton, Vinyals and Dean 2015, equation 1), or
/// its logarithm, for each row of a matrix of logits.
/// </summary>
/// <remarks>
/// Stable for any finite logits and T from 1e-3 to 1e6. A logit of -infinity has probability 0 and log-probability
/// -infinity. A row that holds NaN, +infinity or nothing but -infinity has no softmax: all its outputs are NaN.
/// </remarks>
public static partial class TemperatureSoftmax
{
    private static readonly VariantTable<Arguments> Variants = new(nameof(TemperatureSoftmax), BindPortable, BindCpu);

    /// <summary>Binds the operation to its buffers.</summary>
    /// <param name="context">The device.</param>
    /// <param name="logits">Logits z, [N x C], C at least 1.</param>
    /// <param name="output">Probabilities, or log-probabilities, [N x C]; may be <paramref name="logits"/> itself.</param>
    /// <param name="temperature">T, finite and above 0, in units of the logits.</param>
    /// <param name="log">True for log q(T) instead of q(T).</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">The shapes differ, or the buffers overlap without being the same.</exception>
    /// <exception cref="ArgumentOutOfRangeException">T is not finite and above 0.</exception>
    public static Launch Bind(
        KernelContext context,
        Matrix<float> logits,
        Matrix<float> output,
        float temperature = 1,
        bool log = false,
        KernelVariant variant = KernelVariant.Auto)
    {
        ArgumentNullException.ThrowIfNull(context);
        Check.Temperature(temperature);
        Check.SameShape(logits, output);
        Check.SameOrApart(logits, output);
        Arguments arguments = new()
        {
            Logits = logits.Data,
            Output = output.Data,
            Rows = logits.Rows,
            Columns = logits.Columns,
            InverseTemperature = 1 / temperature,
            Log = log ? 1 : 0,
        };
        return Variants.Bind(context, arguments, variant);
    }

    internal struct Arguments
    {
        public ArrayView<float> Logits;
        public ArrayView<float> Output;
        public int Rows;
        public int Columns;
        public float InverseTemperature;
        public int Log;
        public int TeamSize;
    }
}
