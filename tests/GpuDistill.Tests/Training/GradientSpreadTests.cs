using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Against the gradients of single cases, each measured as a batch of its own.</summary>
public class GradientSpreadTests
{
    [Theory]
    [InlineData("784-12-10")]
    [InlineData("784-10")]
    [InlineData("784-9-7-10")]
    [InlineData("784-9-7-10", MatrixPrecision.BFloat16)]
    public void Is_that_of_the_single_cases(string layers, MatrixPrecision precision = MatrixPrecision.Exact)
    {
        // In bf16 gradients are rounded after they were divided by the number of cases, which differs; single cases have one gradient.
        double allowed = precision == MatrixPrecision.BFloat16 ? 1.0 / (1 << 8) : 1e-5;
        using DistillDevice device = DistillDevice.Open("cpu", precision: precision);
        using ResidentImages images = new(device, TestMnist.Train(40));
        using Network network = new Network(device, NetworkShape.Parse(layers)).Initialize(3);
        using ResidentImages half = images.Subset([.. Enumerable.Range(0, 20)]);
        GradientSpread all = GradientSpread.Of(network, half, Objective.HardLabels());
        double mean = 0;
        foreach (int row in half.Rows)
        {
            using ResidentImages single = images.Subset([row]);
            GradientSpread one = GradientSpread.Of(network, single, Objective.HardLabels());
            Assert.Equal(one.SquaredLengthOfMean, one.MeanSquaredLength, 1e-5 * one.MeanSquaredLength);
            mean += one.MeanSquaredLength / 20;
        }

        Assert.Equal(20, all.Cases);
        Assert.Equal(mean, all.MeanSquaredLength, allowed * mean);
        Assert.InRange(all.Variance, 0, all.MeanSquaredLength);
        Assert.Equal(all.Variance / all.SquaredLengthOfMean, all.NoiseScale);
    }

    [Fact]
    public void Equal_cases_have_none()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(1).Take([0, 0, 0, 0]));
        using Network network = new Network(device, NetworkShape.Parse("784-12-10")).Initialize(3);
        GradientSpread spread = GradientSpread.Of(network, images, Objective.HardLabels());
        Assert.InRange(spread.NoiseScale, -1e-5, 1e-5);
    }

    [Fact]
    public void Soft_targets_are_measured_too_and_the_network_stays_as_it_is()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(50));
        using Network teacher = new Network(device, NetworkShape.Parse("784-16-10")).Initialize(1);
        using Network network = new Network(device, NetworkShape.Parse("784-12-10")).Initialize(3);
        using TeacherLogits logits = TeacherLogits.Compute([teacher], images);
        float[] before = network.ReadLayer(0).Weights;
        double scaled = Length(scale: true);
        double plain = Length(scale: false);
        Assert.Equal(16 * 16 * plain, scaled, 1e-4 * scaled); // T^2 of the gradient is T^4 of its square
        Assert.Equal(before, network.ReadLayer(0).Weights);

        double Length(bool scale) => GradientSpread.Of(network, images, Objective.Distillation(logits, new DistillationOptions
        {
            Temperature = 4,
            SoftWeight = 1,
            HardWeight = 0,
            ScaleByTemperatureSquared = scale,
        })).MeanSquaredLength;
    }
}
