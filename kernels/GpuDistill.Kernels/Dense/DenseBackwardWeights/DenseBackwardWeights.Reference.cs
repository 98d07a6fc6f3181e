namespace GpuDistill.Kernels;

public static partial class DenseBackwardWeights
{
    /// <summary>The definition in double precision: x^T g and the column sums of g.</summary>
    internal static (double[] Weights, double[] Biases) Reference(
        ReadOnlySpan<double> input, ReadOnlySpan<double> gradient, int batch, int inputs, int outputs)
    {
        double[] weights = new double[inputs * outputs];
        double[] biases = new double[outputs];
        for (int n = 0; n < batch; n++)
        {
            for (int j = 0; j < outputs; j++)
            {
                double g = gradient[(n * outputs) + j];
                biases[j] += g;
                for (int k = 0; k < inputs; k++)
                    weights[(k * outputs) + j] += input[(n * inputs) + k] * g;
            }
        }

        return (weights, biases);
    }
}
