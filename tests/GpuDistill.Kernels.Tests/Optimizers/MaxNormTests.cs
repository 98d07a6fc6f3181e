using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Optimizers;

public class MaxNormTests
{
    private static readonly (int Rows, int Columns)[] Shapes =
        [(1, 1), (1, 17), (2, 3), (3, 4), (4, 7), (5, 8), (7, 15), (16, 16), (13, 33), (257, 5), (31, 257), (6, 1025), (9, 2053)];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference_and_leaves_short_columns_alone(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int columns) in Shapes)
        {
            float[] weights = Weights(rows, columns);
            foreach (float limit in (float[])[0.5f, 2, 1e3f])
            {
                float[] actual = Run(context, weights, rows, columns, limit);
                double[] expected = MaxNorm.Reference(weights, rows, columns, limit);
                Tolerance.MaxNorm.Check(expected, actual, $"[{rows} x {columns}], limit {limit}");
                for (int i = 0; i < weights.Length; i++)
                {
                    // A norm within rounding of the limit may fall on either side.
                    if (Norm(weights, rows, columns, i % columns) < limit * (1 - 1e-6))
                        Assert.Equal(weights[i], actual[i]);
                }

                Assert.Equal(actual, Run(context, weights, rows, columns, limit));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_column_without_a_finite_norm_stays_and_spoils_no_other(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        float[] weights = [.. Enumerable.Repeat(2.0f, 6 * 19)];
        weights[(2 * 19) + 3] = float.NaN;
        weights[(5 * 19) + 4] = float.NegativeInfinity;
        weights[18] = 1e30f;
        float[] actual = Run(context, weights, 6, 19, 1);
        for (int i = 0; i < weights.Length; i++)
        {
            double expected = i % 19 is 3 or 4 or 18 ? weights[i] : 1 / Math.Sqrt(6);
            Tolerance.MaxNorm.Check(expected, actual[i], $"element {i}");
        }
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        KernelContext shared = TestDevices.Get("cpu", KernelVariant.Auto);
        using KernelContext one = new(shared.Accelerator, KernelVariant.Auto, 1);
        using KernelContext three = new(shared.Accelerator, KernelVariant.Auto, 3);
        foreach ((int rows, int columns) in Shapes)
        {
            float[] weights = Weights(rows, columns);
            Assert.Equal(Run(one, weights, rows, columns, 0.5f), Run(three, weights, rows, columns, 0.5f));
        }
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> buffer = new(context, 12);
        foreach (float limit in (float[])[0, -1, float.NaN, float.PositiveInfinity, 1e-30f, 1e30f])
            Assert.Throws<ArgumentOutOfRangeException>(() => MaxNorm.Bind(context, buffer.Matrix(3, 4), limit));
        Assert.Throws<ArgumentNullException>(() => MaxNorm.Bind(null!, buffer.Matrix(3, 4), 1));
    }

    // Columns of very different norms, some of zeros.
    private static float[] Weights(int rows, int columns)
    {
        float[] weights = TestData.Uniform(rows * columns, 1, columns);
        for (int i = 0; i < weights.Length; i++)
            weights[i] *= i % columns % 5;
        return weights;
    }

    private static double Norm(float[] weights, int rows, int columns, int column) =>
        Math.Sqrt(Enumerable.Range(0, rows).Sum(row => (double)weights[(row * columns) + column] * weights[(row * columns) + column]));

    private static float[] Run(KernelContext context, float[] weights, int rows, int columns, float limit)
    {
        using GuardedBuffer<float> buffer = new(context, weights);
        using Launch launch = MaxNorm.Bind(context, buffer.Matrix(rows, columns), limit);
        launch.Run(context.Accelerator.DefaultStream);
        return buffer.Read();
    }
}
