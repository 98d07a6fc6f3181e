using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

public class MatrixProductTests
{
    // Around every tile: 8 and 4 rows, 1 to 3 vectors of 16, 8 and 4 columns, the portable 64, 16, 8 and 4.
    private static readonly (int Rows, int Terms, int Columns)[] Shapes =
        [(1, 1, 1), (1, 7, 1), (2, 3, 5), (7, 11, 13), (8, 16, 48), (9, 17, 49), (3, 129, 10), (17, 65, 33), (1, 37, 67), (31, 1, 97)];

    // Around the blocks of the CPU variants: 512 terms, 192 columns, operands read in place or packed.
    private static readonly (int Rows, int Terms, int Columns)[] LargeShapes =
        [(23, 521, 193), (8, 513, 192), (129, 67, 211), (3, 1031, 401), (18, 512, 64), (65, 1024, 30), (41, 300, 65), (200, 13, 10)];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithTensorCores;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int terms, int columns) in DenseData.ShapesFor(variant, Shapes, LargeShapes))
        {
            foreach (bool transposeLeft in (bool[])[false, true])
            {
                foreach (bool transposeRight in (bool[])[false, true])
                {
                    float[] left = TestData.Uniform(rows * terms, 1, 1);
                    float[] right = TestData.Uniform(terms * columns, 1, 2);
                    float[] result = DenseData.Product(context, left, transposeLeft, right, transposeRight, rows, columns, terms);
                    (double[] expected, double[] magnitude) =
                        MatrixProduct.Reference(left, transposeLeft, right, transposeRight, rows, columns, terms);
                    for (int i = 0; i < result.Length; i++)
                    {
                        string what = $"[{rows} x {terms}] [{terms} x {columns}], transposed {transposeLeft} {transposeRight}, element {i}";
                        Tolerance.DotProduct(terms, magnitude[i]).Check(expected[i], result[i], what);
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void NaN_in_an_operand_stays_in_its_row_or_column(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        (int rows, int terms, int columns) = (13, 19, 53);
        foreach (bool transpose in (bool[])[false, true])
        {
            float[] left = TestData.Uniform(rows * terms, 1, 1);
            float[] right = TestData.Uniform(terms * columns, 1, 2);
            left[transpose ? 12 : 12 * terms] = float.NaN;
            right[transpose ? 50 * terms : 50] = float.NaN;
            float[] result = DenseData.Product(context, left, transpose, right, transpose, rows, columns, terms);
            for (int i = 0; i < result.Length; i++)
                Assert.Equal(i / columns == 12 || i % columns == 50, float.IsNaN(result[i]));
        }
    }

    [Theory]
    [InlineData(KernelVariant.Simd512)]
    [InlineData(KernelVariant.Simd256)]
    [InlineData(KernelVariant.Simd128)]
    public void The_number_of_threads_changes_no_bit(KernelVariant variant)
    {
        KernelContext two = TestDevices.Get("cpu", variant);
        foreach ((int rows, int terms, int columns) in Shapes.Concat(LargeShapes))
        {
            float[] left = TestData.Uniform(rows * terms, 1, 3);
            float[] right = TestData.Uniform(terms * columns, 1, 4);
            float[] expected = DenseData.Product(two, left, false, right, true, rows, columns, terms);
            foreach (int threads in (int[])[1, 2, 3])
            {
                using KernelContext context = new(two.Accelerator, variant, threads);
                Assert.Equal(expected, DenseData.Product(context, left, false, right, true, rows, columns, terms));
            }
        }
    }

    [Fact]
    public void A_matrix_larger_than_the_packing_buffer_is_cut_in_chunks()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        (int rows, int terms, int columns) = (70, 70_001, 65);
        float[] left = new float[rows * terms];
        float[] right = new float[terms * columns];
        for (int i = 0; i < rows; i++)
            left[(i * terms) + (i * 1000)] = i + 1;
        for (int j = 0; j < columns; j++)
        {
            for (int i = 0; i < rows; i++)
                right[(i * 1000 * columns) + j] = j + (100 * i);
        }

        float[] result = DenseData.Product(context, left, false, right, false, rows, columns, terms);
        for (int i = 0; i < result.Length; i++)
            Assert.Equal((i / columns + 1) * ((i % columns) + (100 * (i / columns))), result[i]);
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> a = new(context, 60);
        using GuardedBuffer<float> b = new(context, 60);
        using GuardedBuffer<float> c = new(context, 60);
        MatrixProduct.Bind(context, a.Matrix(3, 4), b.Matrix(4, 5), c.Matrix(3, 5)).Dispose();
        MatrixProduct.Bind(context, a.Matrix(4, 3), b.Matrix(5, 4), c.Matrix(3, 5), true, true).Dispose();
        Assert.Throws<ArgumentException>(() => MatrixProduct.Bind(context, a.Matrix(3, 4), b.Matrix(5, 4), c.Matrix(3, 5)));
        Assert.Throws<ArgumentException>(() => MatrixProduct.Bind(context, a.Matrix(3, 4), b.Matrix(4, 5), c.Matrix(5, 3)));
        Assert.Throws<ArgumentException>(() => MatrixProduct.Bind(context, a.Matrix(3, 4), b.Matrix(4, 5), a.Matrix(3, 5)));
        Assert.Throws<ArgumentException>(() => MatrixProduct.Bind(context, a.Matrix(3, 4), b.Matrix(4, 5), b.Matrix(3, 5)));
        ArgumentException empty = Assert.Throws<ArgumentException>(
            () => MatrixProduct.Bind(context, a.Matrix(3, 0), b.Matrix(0, 5), c.Matrix(3, 5)));
        Assert.Contains("[3 x 0]", empty.Message, StringComparison.Ordinal);
    }
}
