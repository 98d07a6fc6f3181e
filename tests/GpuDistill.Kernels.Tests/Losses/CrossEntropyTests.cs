using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

public class CrossEntropyTests
{
    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithCuda;

    // PyTorch's definition of cross_entropy, worked out by hand for these logits:
    // log-softmax of (1, 2, 3) is (-2.4076059, -1.4076059, -0.4076059).
    [Theory]
    [InlineData(0, 2, 0.4076059)]
    [InlineData(0, 0, 2.4076059)]
    [InlineData(0.3f, 2, (0.7 * 0.4076059) + (0.1 * 4.2228177))]
    public void A_known_row_has_its_known_loss(float smoothing, int label, double expected)
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        Assert.Equal(expected, Run(context, [1, 2, 3], 3, [label], new() { LabelSmoothing = smoothing }, null).Totals.Hard, 1e-6);
    }

    // Two rows with weights 2 and 6: the mean divides by their sum, 8, not by 2.
    [Fact]
    public void The_mean_divides_by_the_weights_of_the_labelled_rows()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        LossTotals totals = Run(
            context, [1, 2, 3, 1, 2, 3, 9, 9, 9], 3, [0, 2, -1], new() { Reduction = Reduction.Mean, IgnoreIndex = -1 }, [2, 1, 6]).Totals;
        Assert.Equal(((2 * 2.4076059) + (6 * 0.4076059)) / 8, totals.Hard, 1e-6);
        Assert.Equal((3, 2, 1), (totals.Rows, totals.Labelled, totals.Correct));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Is_the_distillation_loss_without_a_teacher(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int columns) in ((int, int)[])[(5, 3), (33, 10), (4, 100)])
        {
            LossCase test = LossCase.Peaky(rows, columns) with
            {
                Teacher = [],
                Options = new() { SoftWeight = 0, HardWeight = 1, LabelSmoothing = 0.1f, Reduction = Reduction.Mean },
            };
            LossResult expected = test.Check(context, "hard alone");
            (float[] gradient, LossTotals totals) = Run(
                context, test.Student, columns, test.Labels!, new() { LabelSmoothing = 0.1f, Reduction = Reduction.Mean }, null);
            Assert.Equal(expected.Gradient, gradient);
            Assert.Equal(expected.Totals, totals);
        }
    }

    [Fact]
    public void Labels_are_needed()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> logits = new(context, 12);
        Assert.Throws<ArgumentException>(() => CrossEntropy.Bind(context, logits.Matrix(3, 4), default, default));
    }

    private static (float[] Gradient, LossTotals Totals) Run(
        KernelContext context, float[] logits, int columns, int[] labels, CrossEntropyOptions options, float[]? classWeights)
    {
        using GuardedBuffer<float> input = new(context, logits);
        using GuardedBuffer<int> classes = new(context, labels);
        using GuardedBuffer<float> weights = new(context, classWeights ?? []);
        using GuardedBuffer<float> gradient = new(context, logits.Length);
        using GuardedBuffer<LossTotals> totals = new(context, 1);
        DistillationOutputs<float> outputs = new() { Gradient = gradient.Matrix(labels.Length, columns), Totals = totals.View };
        using Launch launch = CrossEntropy.Bind(
            context, input.Matrix(labels.Length, columns), classes.View, outputs, options, classWeights is null ? default : weights.View);
        launch.Run(context.Accelerator.DefaultStream);
        return (gradient.Read(), totals.Read()[0]);
    }
}
