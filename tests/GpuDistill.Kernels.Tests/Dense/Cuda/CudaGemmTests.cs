using GpuDistill.TestKit;
using ILGPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense.Cuda;

/// <summary>
/// Every tile, precision and layout of the CUDA product, on a GPU or lane by lane on the CPU accelerator. <see cref="WarpGroupGemmTests"/>
/// has the tile of warpgroups.
/// </summary>
public class CudaGemmTests
{
    // Terms around a step of each tile and beyond the three stages; rows and columns beyond a tile, multiples of 4 and not.
    private static readonly (int Rows, int Terms, int Columns)[] Shapes = [(133, 36, 140), (68, 200, 36), (37, 67, 131), (130, 1, 5)];

    // The same around steps of twice as many terms; rows that begin at multiples of 16 bytes and not.
    private static readonly (int Rows, int Terms, int Columns)[] BFloat16Shapes = [(136, 72, 264), (72, 400, 40), (37, 67, 131), (130, 1, 5)];

    private static readonly CudaTileKind[] Kinds = [.. Enum.GetValues<CudaTileKind>().Where(kind => kind != CudaTileKind.WarpGroup)];

    public static TheoryData<string> Devices => TestDevices.TensorCores;

    [Theory]
    [InlineData(4096, 4096, CudaTileKind.Huge, 512, CudaTileKind.Large, 1024)]
    [InlineData(8192, 1200, CudaTileKind.Huge, 320, CudaTileKind.Large, 640)]
    [InlineData(1200, 1200, CudaTileKind.Large, 100, CudaTileKind.Large, 100)]
    [InlineData(784, 800, CudaTileKind.Small, 625, CudaTileKind.Small, 625)]
    [InlineData(512, 800, CudaTileKind.Medium, 104, CudaTileKind.Medium, 104)]
    [InlineData(128, 800, CudaTileKind.Small, 100, CudaTileKind.Small, 100)]
    [InlineData(128, 10, CudaTileKind.Small, 4, CudaTileKind.Small, 4)]
    [InlineData(1, 1, CudaTileKind.Small, 1, CudaTileKind.Small, 1)]
    [InlineData(1 << 30, 100, CudaTileKind.Large, 1 << 23, CudaTileKind.Large, 1 << 23)]
    internal void The_plan_takes_the_tile_that_keeps_132_multiprocessors_busy(
        int rows, int columns, CudaTileKind tensorKind, int tensorGroups, CudaTileKind exactKind, int exactGroups)
    {
        CudaGemmPlan tensor = CudaGemmPlan.Tensor(rows, columns, 132);
        Assert.Equal((tensorKind, tensorGroups), (tensor.Kind, tensor.Groups));
        CudaGemmPlan exact = CudaGemmPlan.Exact(rows, columns, 132);
        Assert.Equal((exactKind, exactGroups), (exact.Kind, exact.Groups));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Every_tile_matches_the_reference_in_every_layout_and_precision(string device)
    {
        foreach (CudaTileKind kind in Kinds)
        {
            foreach (MatrixPrecision precision in (MatrixPrecision[])[MatrixPrecision.Exact, MatrixPrecision.Tf32])
            {
                if (precision == MatrixPrecision.Exact && kind == CudaTileKind.Huge)
                    continue; // exactly, there is none
                KernelContext context = TestDevices.Get(device, KernelVariant.Cuda, precision, kind);
                for (int i = 0; i < Shapes.Length; i++)
                {
                    // Lane by lane is slow: each tile meets each layout and each shape, but not every pair of them.
                    int layout = (i + (int)kind) % 4;
                    (int rows, int terms, int columns) = Shapes[i];
                    Check(context, rows, terms, columns, layout / 2 != 0, layout % 2 != 0, $"{kind} {precision}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Every_tile_matches_the_reference_in_every_layout_in_bf16(string device)
    {
        foreach (CudaTileKind kind in Kinds)
        {
            KernelContext context = TestDevices.Get(device, KernelVariant.Cuda, MatrixPrecision.Exact, kind);
            for (int i = 0; i < BFloat16Shapes.Length; i++)
            {
                int layout = (i + (int)kind) % 4;
                (int rows, int terms, int columns) = BFloat16Shapes[i];
                BFloat16Data.CheckProduct(context, rows, terms, columns, layout / 2 != 0, layout % 2 != 0, $"{kind}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Tiles_in_bands_cover_a_tall_matrix_once(string device)
    {
        KernelContext context = TestDevices.Get(device, KernelVariant.Cuda, MatrixPrecision.Tf32, CudaTileKind.Small);
        Check(context, 300, 3, 70, false, false, "ten rows of tiles and three columns");
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Views_that_are_not_aligned_are_copied_float_by_float(string device)
    {
        KernelContext context = TestDevices.Get(device, KernelVariant.Cuda, MatrixPrecision.Tf32);
        const int Rows = 20, Terms = 24, Columns = 28;
        float[] left = TestData.Uniform(Rows * Terms, 1, 1);
        float[] right = TestData.Uniform(Terms * Columns, 1, 2);
        using GuardedBuffer<float> a = new(context, left);
        using GuardedBuffer<float> b = new(context, right);
        using GuardedBuffer<float> shiftedA = new(context, [0, .. left]);
        using GuardedBuffer<float> shiftedB = new(context, [0, 0, 0, .. right]);
        using GuardedBuffer<float> aligned = new(context, Rows * Columns);
        using GuardedBuffer<float> shifted = new(context, (Rows * Columns) + 2);
        Run(a.View, b.View, aligned.View);
        Run(shiftedA.View.SubView(1, left.Length), shiftedB.View.SubView(3, right.Length), shifted.View.SubView(2, Rows * Columns));
        Assert.Equal(aligned.Read(), shifted.Read()[2..]);

        void Run(ArrayView<float> x, ArrayView<float> y, ArrayView<float> z)
        {
            using Launch launch = MatrixProduct.Bind(
                context, new Matrix<float>(x, Rows, Terms), new Matrix<float>(y, Terms, Columns), new Matrix<float>(z, Rows, Columns));
            Assert.Equal(KernelVariant.Cuda, launch.Variant);
            launch.Run(context.Accelerator.DefaultStream);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Tf32_rounds_operands_and_nothing_else(string device)
    {
        // Whole numbers below 2^11 are exact in TF32, so the product is exact; a number that is not is rounded.
        KernelContext context = TestDevices.Get(device, KernelVariant.Cuda, MatrixPrecision.Tf32);
        float[] left = [.. Enumerable.Range(0, 5 * 9).Select(i => (float)((i * 37 % 2047) - 1000))];
        float[] right = [.. Enumerable.Range(0, 9 * 6).Select(i => (float)((i * 91 % 1023) - 500))];
        Assert.Equal(Product(context, left, right), MatrixProduct.Reference(left, false, right, false, 5, 6, 9).Result);
        left[7] = 4097;
        double[] expected = MatrixProduct.Reference(left, false, right, false, 5, 6, 9).Result;
        Assert.NotEqual(expected, Product(context, left, right));
        left[7] = 4096;
        Assert.Equal(Product(context, left, right), MatrixProduct.Reference(left, false, right, false, 5, 6, 9).Result);
    }

    private static double[] Product(KernelContext context, float[] left, float[] right)
    {
        using GuardedBuffer<float> a = new(context, left);
        using GuardedBuffer<float> b = new(context, right);
        using GuardedBuffer<float> c = new(context, 30);
        using Launch launch = MatrixProduct.Bind(context, a.Matrix(5, 9), b.Matrix(9, 6), c.Matrix(5, 6));
        launch.Run(context.Accelerator.DefaultStream);
        return DenseData.Double(c.Read());
    }

    private static void Check(
        KernelContext context, int rows, int terms, int columns, bool transposeLeft, bool transposeRight, string what)
    {
        float[] left = TestData.Uniform(rows * terms, 1, 1);
        float[] right = TestData.Uniform(terms * columns, 1, 2);
        float[] result = DenseData.Product(context, left, transposeLeft, right, transposeRight, rows, columns, terms);
        (double[] expected, double[] magnitude) = MatrixProduct.Reference(left, transposeLeft, right, transposeRight, rows, columns, terms);
        for (int i = 0; i < result.Length; i++)
        {
            Tolerance tolerance = context.Precision == MatrixPrecision.Exact
                ? Tolerance.DotProduct(terms, magnitude[i])
                : Tolerance.Tf32Product(terms, magnitude[i]);
            tolerance.Check(expected[i], result[i], $"{what} [{rows} x {terms}] [{terms} x {columns}], {transposeLeft} {transposeRight}, {i}");
        }
    }
}
