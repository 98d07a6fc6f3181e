using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>A step in bf16 with parameters in single precision, against its definition.</summary>
public class MixedStepTests
{
    // Half the distance of two neighbours, relative to the smaller.
    private const double Unit = 1.0 / (1 << 8);

    public static TheoryData<Activation, float, KernelVariant> Steps => new MatrixTheoryData<Activation, float, KernelVariant>(
        [Activation.Relu, Activation.Gelu, Activation.Tanh], [0, 0.25f], [KernelVariant.Auto, KernelVariant.Portable]);

    // Rounded alike, the two differ only where a sum in single precision falls on the other side of the middle of two neighbours in bf16:
    // few elements, by one unit. Not rounded, the reference differs by a rounding of each factor of each product, of which half a dozen
    // lie one behind the other; in norms they add up like their squares.
    [Theory]
    [MemberData(nameof(Steps))]
    public void A_step_is_that_of_the_definition(Activation activation, float rate, KernelVariant variant)
    {
        using DistillDevice device = Open(variant);
        MixedStepCase data = new(device, activation, rate);
        (float[] logits, (float[] Weights, float[] Biases)[] gradients) = data.Run(device);
        (double[] sameLogits, (double[] Weights, double[] Biases)[] same) = data.Reference(MixedReference.BFloat16);
        (double[] exactLogits, (double[] Weights, double[] Biases)[] exact) = data.Reference(value => value);
        Near(sameLogits, logits, Unit / 8, "logits");
        Near(exactLogits, logits, 2 * Unit, "logits, not rounded");
        for (int layer = 0; layer < gradients.Length; layer++)
        {
            Near(same[layer].Weights, gradients[layer].Weights, Unit / 8, $"weights of layer {layer}");
            Near(same[layer].Biases, gradients[layer].Biases, Unit / 8, $"biases of layer {layer}");
            Near(exact[layer].Weights, gradients[layer].Weights, 4 * Unit, $"weights of layer {layer}, not rounded");
            Near(exact[layer].Biases, gradients[layer].Biases, 4 * Unit, $"biases of layer {layer}, not rounded");
        }
    }

    // In single precision from one end to the other the same check, with a far smaller tolerance: so what is off above is bf16.
    [Fact]
    public void The_reference_is_that_of_single_precision_without_rounding()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        MixedStepCase data = new(device, Activation.Gelu, 0.25f);
        (float[] logits, (float[] Weights, float[] Biases)[] gradients) = data.Run(device);
        (double[] exactLogits, (double[] Weights, double[] Biases)[] exact) = data.Reference(value => value);
        Near(exactLogits, logits, 1e-5, "logits");
        for (int layer = 0; layer < gradients.Length; layer++)
            Near(exact[layer].Weights, gradients[layer].Weights, 1e-5, $"weights of layer {layer}");
    }

    [Fact]
    public void Gradients_are_those_of_finite_differences()
    {
        using DistillDevice device = Open();
        MixedStepCase data = new(device, Activation.Tanh, 0);
        (_, (float[] Weights, float[] Biases)[] gradients) = data.Run(device);
        for (int layer = 0; layer < gradients.Length; layer++)
        {
            double[] weights = data.Layers[layer].Weights;
            double[] expected = new double[weights.Length];
            for (int i = 0; i < weights.Length; i++)
                expected[i] = data.Difference(weights, i);
            Near(expected, gradients[layer].Weights, 4 * Unit, $"weights of layer {layer}");
        }
    }

    private static DistillDevice Open(KernelVariant variant = KernelVariant.Auto) =>
        DistillDevice.Open("cpu", variant, precision: MatrixPrecision.BFloat16);

    private static void Near(double[] expected, float[] actual, double allowed, string what)
    {
        double off = Math.Sqrt(expected.Zip(actual, (e, a) => (e - a) * (e - a)).Sum());
        double size = Math.Sqrt(expected.Sum(e => e * e));
        Assert.True(off <= allowed * size, $"{what}: off by {off / size:G3} of their length; allowed {allowed:G3}"); // false for NaN
    }
}
