using GpuDistill.TestKit;
using ILGPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>The plan of the CUDA variant, and every shape of row that it knows, on every device that runs its code.</summary>
public class DistillationCudaTests
{
    public static TheoryData<string, KernelVariant> Variants =>
        [.. TestDevices.VariantsWithCuda.Where(row => row.Data.Item2 == KernelVariant.Cuda)];

    [Theory]
    [InlineData(2, 1, 1)]
    [InlineData(10, 4, 1)]
    [InlineData(128, 32, 1)]
    [InlineData(129, 32, 2)]
    [InlineData(1000, 32, 8)]
    [InlineData(1024, 32, 8)]
    [InlineData(1028, 64, 8)]
    [InlineData(8192, 256, 8)]
    [InlineData(8196, 256, 0)]
    [InlineData(128_256, 256, 0)]
    public void A_row_gets_a_quad_per_thread_of_a_warp_then_more_quads_then_more_warps(int columns, int team, int quads) =>
        Assert.Equal((team, quads), DistillationLoss.CudaPlan(columns, 256, 32));

    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_plan_matches_the_reference_with_whole_quads_and_without(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        int group = context.GroupSize(RowTeam.MaxGroupSize);
        HashSet<(int, int)> plans = [];
        for (int columns = 2; columns <= 40 * group && columns < 10_000; columns = columns < 8 ? columns + 1 : (columns * 3 / 2) + 1)
        {
            foreach (int length in (int[])[columns, columns / 4 * 4 is var whole and > 0 ? whole : 4])
            {
                plans.Add(DistillationLoss.CudaPlan(length, group, context.Accelerator.WarpSize));
                LossCase plain = LossCase.Peaky(5, length);
                plain.Check(context, "plain");
                (plain with { Options = new() { Temperature = 100 } }).Check(context, "flat");
                (plain with { Options = new() { LabelSmoothing = 0.1f, SoftWeight = 0 } }).Check(context, "smoothed, without a teacher");
            }
        }

        Assert.Contains(plans, plan => plan.Item2 == 1);
        Assert.Contains(plans, plan => plan.Item2 == 8);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Views_that_are_not_aligned_are_read_element_by_element(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        const int Columns = 16;
        float[] logits = TestData.PeakyLogits(3, Columns, 1);
        using GuardedBuffer<float> aligned = new(context, logits);
        using GuardedBuffer<float> shifted = new(context, [0, .. logits]);
        using GuardedBuffer<float> expected = new(context, logits.Length);
        using GuardedBuffer<float> actual = new(context, logits.Length);
        using GuardedBuffer<int> labels = new(context, [1, 2, 3]);
        Run(aligned.View, expected);
        Run(shifted.View.SubView(1, logits.Length), actual);
        Assert.Equal(expected.Read(), actual.Read());

        void Run(ArrayView<float> view, GuardedBuffer<float> gradient)
        {
            using Launch launch = CrossEntropy.Bind(
                context, new Matrix<float>(view, 3, Columns), labels.View, new DistillationOutputs<float> { Gradient = gradient.Matrix(3, Columns) });
            Assert.Equal(KernelVariant.Cuda, launch.Variant);
            launch.Run(context.Accelerator.DefaultStream);
        }
    }
}
