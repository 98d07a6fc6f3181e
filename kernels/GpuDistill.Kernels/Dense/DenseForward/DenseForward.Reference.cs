namespace GpuDistill.Kernels;

public static partial class DenseForward
{
    /// <summary>
    /// The definition in double precision without dropout: preactivation a = x W + b and output f(a), one row of the batch.
    /// </summary>
    internal static (double[] Preactivation, double[] Output) Reference(
        ReadOnlySpan<double> input, ReadOnlySpan<double> weights, ReadOnlySpan<double> biases, Activation activation)
    {
        int columns = biases.Length;
        double[] preactivation = biases.ToArray();
        for (int k = 0; k < input.Length; k++)
        {
            for (int j = 0; j < columns; j++)
                preactivation[j] += input[k] * weights[(k * columns) + j];
        }

        return (preactivation, [.. preactivation.Select(a => ReferenceActivation(activation, a))]);
    }

    /// <summary>f(a) in double precision.</summary>
    internal static double ReferenceActivation(Activation activation, double a) => activation switch
    {
        Activation.Relu => Math.Max(a, 0),
        Activation.Tanh => Math.Tanh(a),
        Activation.Gelu => a * NormalDistribution(a),
        _ => a,
    };

    /// <summary>
    /// Phi(a): its Taylor series about 0, Phi(a) = 1/2 + phi(a) (a + a^3/3 + a^5/15 + ...), or beyond 5 the continued fraction of
    /// the tail.
    /// </summary>
    internal static double NormalDistribution(double a)
    {
        double density = Math.Exp(-a * a / 2) / Math.Sqrt(2 * Math.PI);
        if (Math.Abs(a) > 5)
        {
            double fraction = Math.Abs(a);
            for (int n = 60; n > 0; n--)
                fraction = Math.Abs(a) + (n / fraction);
            return a < 0 ? density / fraction : 1 - (density / fraction);
        }

        double term = a;
        double sum = a;
        for (int n = 3; Math.Abs(term) > 1e-18 * Math.Abs(sum); n += 2)
        {
            term *= a * a / n;
            sum += term;
        }

        return 0.5 + (density * sum);
    }
}
