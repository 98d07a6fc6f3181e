namespace GpuDistill.Kernels;

public static partial class DenseBackwardInput
{
    /// <summary>
    /// The definition in double precision, one row of the batch: g W^T, then times f'(a) from the preactivation a, times the
    /// dropout's factor, 0 or 1 / (1 - rate), of each element.
    /// </summary>
    internal static double[] Reference(
        ReadOnlySpan<double> gradient,
        ReadOnlySpan<double> weights,
        Activation activation,
        ReadOnlySpan<double> preactivation,
        ReadOnlySpan<double> dropoutFactors)
    {
        double[] result = new double[preactivation.Length];
        for (int k = 0; k < result.Length; k++)
        {
            double sum = 0;
            for (int j = 0; j < gradient.Length; j++)
                sum += gradient[j] * weights[(k * gradient.Length) + j];
            result[k] = sum * ReferenceDerivative(activation, preactivation[k]) * dropoutFactors[k];
        }

        return result;
    }

    /// <summary>f'(a) in double precision.</summary>
    internal static double ReferenceDerivative(Activation activation, double a) => activation switch
    {
        Activation.Relu => a > 0 ? 1 : 0,
        Activation.Tanh => 1 / (Math.Cosh(a) * Math.Cosh(a)),
        Activation.Gelu => DenseForward.NormalDistribution(a) + (a * Math.Exp(-a * a / 2) / Math.Sqrt(2 * Math.PI)),
        _ => 1,
    };
}
