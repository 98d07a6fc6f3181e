using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

// One input and weight 1, so that the preactivation is the input, bit for bit.
public class ActivationTests
{
    private static readonly float[] Special =
        [0, -0f, float.Epsilon, -float.Epsilon, 1e-30f, -1e-30f, 13.2f, -13.3f, 14.9f, -15.1f, 88, -88, 1e30f, -1e30f, float.MaxValue];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithTensorCores;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Values_and_derivatives_match_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        float[] points = [.. Special, .. Enumerable.Range(-400, 801).Select(i => i * 0.025f), .. TestData.Uniform(100, 0.7f, 1)];
        foreach (Activation activation in DenseData.Activations)
        {
            (float[] values, float[] derivatives) = Run(context, points, activation);
            for (int i = 0; i < points.Length; i++)
            {
                Tolerance.Activation.Check(DenseForward.ReferenceActivation(activation, points[i]), values[i], $"{activation} of {points[i]:R}");
                Tolerance.ActivationDerivative.Check(
                    DenseBackwardInput.ReferenceDerivative(activation, points[i]), derivatives[i], $"derivative of {activation} at {points[i]:R}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void NaN_stays_and_infinities_have_their_limits(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        float[] points = [float.NaN, float.PositiveInfinity, float.NegativeInfinity];
        Assert.Equal([float.NaN, float.PositiveInfinity, float.NegativeInfinity], Run(context, points, Activation.Identity).Values);
        Assert.Equal([float.NaN, float.PositiveInfinity, 0], Run(context, points, Activation.Relu).Values);
        Assert.Equal([float.NaN, 1, -1], Run(context, points, Activation.Tanh).Values);
        (float[] values, float[] derivatives) = Run(context, points, Activation.Gelu);
        Assert.Equal([float.NaN, float.PositiveInfinity, 0], values.Select(v => v + 0f)); // -0 + 0 is 0
        Assert.Equal([float.NaN, 1, 0], derivatives.Select(v => MathF.Abs(v) < 1e-40f ? 0 : v));
    }

    private static (float[] Values, float[] Derivatives) Run(KernelContext context, float[] points, Activation activation)
    {
        using GuardedBuffer<float> x = new(context, points);
        using GuardedBuffer<float> one = new(context, [1f]);
        using GuardedBuffer<float> zero = new(context, [0f]);
        using GuardedBuffer<float> y = new(context, points.Length);
        using GuardedBuffer<float> gradient = new(context, [.. Enumerable.Repeat(1f, points.Length)]);
        using GuardedBuffer<float> d = new(context, points.Length);
        Matrix<float> input = x.Matrix(points.Length, 1);
        Matrix<float> output = y.Matrix(points.Length, 1);
        using Launch forward = DenseForward.Bind(context, input, one.Matrix(1, 1), zero.View, output, activation);
        using Launch backward = DenseBackwardInput.Bind(
            context, gradient.Matrix(points.Length, 1), one.Matrix(1, 1), d.Matrix(points.Length, 1), new Producer<float>(activation, output, input));
        forward.Run(context.Accelerator.DefaultStream);
        backward.Run(context.Accelerator.DefaultStream);
        return (y.Read(), d.Read());
    }
}
