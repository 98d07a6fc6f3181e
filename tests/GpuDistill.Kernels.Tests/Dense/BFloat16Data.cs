using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

/// <summary>What the tests of dense operations in bf16 share.</summary>
internal static class BFloat16Data
{
    public static BFloat16[] Round(float[] values) => [.. values.Select(v => (BFloat16)v)];

    public static float[] Widen(BFloat16[] values) => [.. values.Select(v => (float)v)];

    /// <summary>What rounding a result to bf16 may add to an error: half a unit of 8 digits, and the least normal number's.</summary>
    public static double Rounding(double value) => (Math.Abs(value) * Math.ScaleB(1, -8)) + Math.ScaleB(1, -134);

    /// <summary>Checks a product of matrices in bf16, run twice over its result.</summary>
    public static void CheckProduct(
        KernelContext context, int rows, int terms, int columns, bool transposeLeft, bool transposeRight, string what)
    {
        BFloat16[] left = Round(TestData.Uniform(rows * terms, 1, 1));
        BFloat16[] right = Round(TestData.Uniform(terms * columns, 1, 2));
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
        (double[] expected, double[] magnitude) =
            MatrixProduct.Reference(Widen(left), transposeLeft, Widen(right), transposeRight, rows, columns, terms);
        for (int i = 0; i < result.Length; i++)
        {
            string element = $"{what} [{rows} x {terms}] [{terms} x {columns}], {transposeLeft} {transposeRight}, {i}";
            Tolerance.DotProduct(terms, magnitude[i]).Plus(Rounding(expected[i])).Check(expected[i], (float)result[i], element);
        }
    }
}
