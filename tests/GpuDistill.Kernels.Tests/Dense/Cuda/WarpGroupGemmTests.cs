using GpuDistill.TestKit;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense.Cuda;

/// <summary>Products in bf16 on warpgroups in all dense operations, on a Hopper GPU or lane by lane on the CPU accelerator.</summary>
public class WarpGroupGemmTests
{
    // Rows that begin at multiples of 16 bytes, and not; terms less than a step, and of more steps than there are stages; more than a tile.
    private static readonly (int Rows, int Terms, int Columns)[] Shapes = [(136, 72, 264), (72, 400, 40), (37, 67, 131), (130, 1, 5)];

    public static TheoryData<string> Devices => TestDevices.TensorCores;

    [Theory]
    [InlineData(4096, 4096, CudaTileKind.WarpGroup, 512)]
    [InlineData(8192, 1200, CudaTileKind.WarpGroup, 320)]
    [InlineData(2048, 2048, CudaTileKind.WarpGroup, 128)]
    [InlineData(1200, 1200, CudaTileKind.WarpGroup, 50)]
    [InlineData(1024, 1024, CudaTileKind.Medium, 256)]
    [InlineData(784, 800, CudaTileKind.Small, 625)]
    [InlineData(128, 800, CudaTileKind.Small, 100)]
    internal void The_plan_takes_warpgroups_for_products_that_fill_132_multiprocessors(int rows, int columns, CudaTileKind kind, int groups)
    {
        CudaGemmPlan plan = CudaGemmPlan.WarpGroups(rows, columns, 132);
        Assert.Equal((kind, groups), (plan.Kind, plan.Groups));
        Assert.NotEqual(CudaTileKind.WarpGroup, CudaGemmPlan.Tensor(rows, columns, 132).Kind);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Every_shape_matches_the_reference_in_every_layout(string device)
    {
        KernelContext context = Context(device);
        foreach ((int rows, int terms, int columns) in Shapes)
        {
            foreach ((bool left, bool right) in ((bool, bool)[])[(false, false), (false, true), (true, false), (true, true)])
                BFloat16Data.CheckProduct(context, rows, terms, columns, left, right, "warpgroups");
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void The_passes_of_a_layer_match_the_reference(string device)
    {
        KernelContext context = Context(device);
        foreach ((int batch, int inputs, int outputs) in ((int, int, int)[])[(136, 72, 264), (17, 67, 3)])
        {
            BFloat16Data.CheckForward(context, batch, inputs, outputs, Activation.Gelu, 0);
            BFloat16Data.CheckForward(context, batch, inputs, outputs, Activation.Relu, 0.3f);
            BFloat16Data.CheckInputGradient(context, batch, inputs, outputs, Activation.Gelu, 0);
            BFloat16Data.CheckInputGradient(context, batch, inputs, outputs, Activation.Tanh, 0.3f);
            BFloat16Data.CheckWeightGradients(context, batch, inputs, outputs);
        }

        BFloat16Data.CheckWeightGradients(context, 400, 136, 264);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void The_probe_passes_and_would_not_with_one_bit_changed(string device)
    {
        KernelContext context = Context(device);
        Assert.True(context.HasWarpGroups);
        BFloat16[] left = WarpGroupProbe.Values(WarpGroupProbe.Rows * WarpGroupProbe.Terms, 1);
        BFloat16[] right = WarpGroupProbe.Values(WarpGroupProbe.Terms * WarpGroupProbe.Columns, 2);
        BFloat16[] result = WarpGroupProbe.Product(context, left, false, right, true);
        Assert.Null(WarpGroupProbe.FirstError(left, false, right, true, result));
        result[^1] = new BFloat16((ushort)(result[^1].Bits ^ 1));
        Assert.Matches(@"is -?[\d.]+ and not -?\d+ at row \d+, column \d+", WarpGroupProbe.FirstError(left, false, right, true, result));
        Assert.Null(WarpGroupProbe.Refusal(context));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Products_go_on_without_warpgroups_where_they_are_avoided_or_not_there(string device)
    {
        KernelContext forcing = Context(device);
        using KernelContext avoiding = Avoiding(null);
        Assert.False(avoiding.HasWarpGroups);
        // Large enough for them on the one multiprocessor that the CPU accelerator has.
        BFloat16Data.CheckProduct(avoiding, 136, 72, 264, false, false, "without warpgroups");
        using KernelContext torn = Avoiding(CudaTileKind.WarpGroup);
        using GuardedBuffer<BFloat16> a = new(torn, 4), b = new(torn, 4);
        using GuardedBuffer<float> x = new(forcing, 4), y = new(forcing, 4);
        // Not there, and not there in single precision: forced all the same, they are refused.
        Assert.Throws<NotSupportedException>(() => MatrixProduct.Bind(torn, a.Matrix(2, 2), a.Matrix(2, 2), b.Matrix(2, 2)));
        Assert.Throws<NotSupportedException>(() => MatrixProduct.Bind(forcing, x.Matrix(2, 2), x.Matrix(2, 2), y.Matrix(2, 2)));

        KernelContext Avoiding(CudaTileKind? tile) => forcing.Accelerator.AcceleratorType == AcceleratorType.Cuda
            ? new KernelContext(forcing.Accelerator, KernelVariant.Cuda) { ForcedTile = tile, AvoidsWarpGroups = true }
            : KernelContext.EmulatingCuda(forcing.Accelerator, MatrixPrecision.Exact, tile, avoidsWarpGroups: true);
    }

    private static KernelContext Context(string device) =>
        TestDevices.Get(device, KernelVariant.Cuda, MatrixPrecision.Exact, CudaTileKind.WarpGroup);
}
