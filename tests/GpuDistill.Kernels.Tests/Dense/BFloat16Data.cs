using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

/// <summary>What the tests of dense operations in bf16 share.</summary>
internal static class BFloat16Data
{
    public static BFloat16[] Uniform(int count, float range, int seed) => [.. TestData.Uniform(count, range, seed).Select(v => (BFloat16)v)];

    public static double[] Double(IEnumerable<BFloat16> values) => [.. values.Select(v => (double)(float)v)];

    public static double[] Absolute(IEnumerable<double> values) => [.. values.Select(Math.Abs)];

    /// <summary>Checks a product of matrices in bf16, run twice over its result.</summary>
    public static void CheckProduct(
        KernelContext context, int rows, int terms, int columns, bool transposeLeft, bool transposeRight, string what)
    {
        BFloat16[] left = Uniform(rows * terms, 1, 1);
        BFloat16[] right = Uniform(terms * columns, 1, 2);
        using GuardedBuffer<BFloat16> a = new(context, left);
        using GuardedBuffer<BFloat16> b = new(context, right);
        using GuardedBuffer<BFloat16> c = new(context, rows * columns);
        using Launch launch = MatrixProduct.Bind(
            context,
            transposeLeft ? a.Matrix(terms, rows) : a.Matrix(rows, terms),
            transposeRight ? b.Matrix(columns, terms) : b.Matrix(terms, columns),
            c.Matrix(rows, columns),
            transposeLeft,
            transposeRight);
        launch.Run(context.Accelerator.DefaultStream);
        BFloat16[] result = c.Read("result");
        launch.Run(context.Accelerator.DefaultStream);
        Assert.Equal(result, c.Read("result"));
        Assert.Equal(left, a.Read("left"));
        Assert.Equal(right, b.Read("right"));
        float[] wideLeft = [.. left.Select(v => (float)v)];
        float[] wideRight = [.. right.Select(v => (float)v)];
        (double[] expected, double[] magnitude) =
            MatrixProduct.Reference(wideLeft, transposeLeft, wideRight, transposeRight, rows, columns, terms);
        for (int i = 0; i < result.Length; i++)
        {
            string element = $"{what} [{rows} x {terms}] [{terms} x {columns}], {transposeLeft} {transposeRight}, {i}";
            Tolerance.BFloat16Product(terms, magnitude[i]).Check(expected[i], (float)result[i], element);
        }
    }
}
