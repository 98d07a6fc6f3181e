namespace GpuDistill.Kernels;

public static partial class MatrixProduct
{
    /// <summary>
    /// The definition in double precision, and the sum of the terms' absolute values, which scales the error allowed.
    /// </summary>
    internal static (double[] Result, double[] Magnitude) Reference(
        ReadOnlySpan<float> left, bool transposeLeft, ReadOnlySpan<float> right, bool transposeRight, int rows, int columns, int terms)
    {
        double[] result = new double[rows * columns];
        double[] magnitude = new double[rows * columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                for (int p = 0; p < terms; p++)
                {
                    double a = left[transposeLeft ? (p * rows) + i : (i * terms) + p];
                    double b = right[transposeRight ? (j * terms) + p : (p * columns) + j];
                    result[(i * columns) + j] += a * b;
                    magnitude[(i * columns) + j] += Math.Abs(a * b);
                }
            }
        }

        return (result, magnitude);
    }
}
