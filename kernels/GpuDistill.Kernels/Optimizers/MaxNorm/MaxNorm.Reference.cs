namespace GpuDistill.Kernels;

public static partial class MaxNorm
{
    /// <summary>The definition in double precision, of finite weights.</summary>
    internal static double[] Reference(ReadOnlySpan<float> weights, int rows, int columns, double limit)
    {
        double[] result = new double[weights.Length];
        for (int column = 0; column < columns; column++)
        {
            double sum = 0;
            for (int row = 0; row < rows; row++)
                sum += (double)weights[(row * columns) + column] * weights[(row * columns) + column];
            double scale = Math.Min(1, limit / Math.Sqrt(sum));
            for (int row = 0; row < rows; row++)
                result[(row * columns) + column] = weights[(row * columns) + column] * scale;
        }

        return result;
    }
}
