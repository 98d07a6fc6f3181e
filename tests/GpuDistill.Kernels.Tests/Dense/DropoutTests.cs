using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

public class DropoutTests
{
    private const int Rows = 61;
    private const int Columns = 197;
    private const uint Stream = 17;

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithTensorCores;

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_mask_follows_the_rule_on_every_device(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (long step in (long[])[0, DenseData.Step, (1L << 32) - 1])
        {
            foreach (float rate in (float[])[0, 0.2f, 0.99f])
            {
                double[] factors = DenseData.DropoutFactors(rate, Stream, Rows, Columns, step);
                float[] expected = [.. factors.Select(f => f == 0 ? 0 : 1 / (1 - rate))];
                Assert.Equal(expected, Forward(context, rate, Stream, step));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Backward_draws_the_mask_of_forward(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        float[] forward = Forward(context, 0.5f, Stream, DenseData.Step);
        foreach (Activation activation in DenseData.Activations)
        {
            // Outputs of 1/2 (or the dropped 0) and preactivations of 1: every derivative is then above 0.
            float[] output = [.. forward.Select(f => f / 4)];
            Assert.Equal(forward.Select(f => f != 0), Backward(context, output, activation).Select(g => g != 0));
        }
    }

    [Fact]
    public void The_share_dropped_and_the_mean_are_right()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        foreach (float rate in (float[])[0.1f, 0.5f, 0.9f])
        {
            float[] output = Forward(context, rate, Stream, DenseData.Step);
            double share = output.Count(v => v == 0) / (double)output.Length;
            double deviation = Math.Sqrt(rate * (1 - rate) / output.Length);
            Assert.InRange(share, rate - (4 * deviation), rate + (4 * deviation));
            Assert.InRange(output.Average(), 1 - (4 * deviation / (1 - rate)), 1 + (4 * deviation / (1 - rate)));
        }
    }

    [Fact]
    public void Steps_and_streams_have_masks_of_their_own()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        float[] first = Forward(context, 0.5f, Stream, 1);
        foreach (float[] other in (float[][])[Forward(context, 0.5f, Stream, 2), Forward(context, 0.5f, Stream + 1, 1)])
        {
            int same = first.Zip(other).Count(pair => pair.First == pair.Second);
            Assert.InRange(same / (double)first.Length, 0.48, 0.52);
        }
    }

    // Inputs and weights of 0 and biases of 1: the output is the mask's factor.
    private static float[] Forward(KernelContext context, float rate, uint stream, long step)
    {
        using GuardedBuffer<float> x = new(context, new float[Rows]);
        using GuardedBuffer<float> w = new(context, new float[Columns]);
        using GuardedBuffer<float> b = new(context, [.. Enumerable.Repeat(1f, Columns)]);
        using GuardedBuffer<float> y = new(context, Rows * Columns);
        using GuardedBuffer<StepState> clock = DenseData.Clock(context, step);
        using Launch launch = DenseForward.Bind(
            context, x.Matrix(Rows, 1), w.Matrix(1, Columns), b.View, y.Matrix(Rows, Columns), dropout: new Dropout(rate, DenseData.Seed, stream, clock.View));
        launch.Run(context.Accelerator.DefaultStream);
        return y.Read();
    }

    private static float[] Backward(KernelContext context, float[] output, Activation activation)
    {
        using GuardedBuffer<float> g = new(context, [.. Enumerable.Repeat(1f, Rows)]);
        using GuardedBuffer<float> w = new(context, [.. Enumerable.Repeat(1f, Columns)]);
        using GuardedBuffer<float> y = new(context, output);
        using GuardedBuffer<float> a = new(context, [.. Enumerable.Repeat(1f, output.Length)]);
        using GuardedBuffer<float> result = new(context, output.Length);
        using GuardedBuffer<StepState> clock = DenseData.Clock(context);
        Producer<float> producer = new(
            activation, y.Matrix(Rows, Columns), a.Matrix(Rows, Columns), new Dropout(0.5f, DenseData.Seed, Stream, clock.View));
        using Launch launch = DenseBackwardInput.Bind(
            context, g.Matrix(Rows, 1), w.Matrix(Columns, 1), result.Matrix(Rows, Columns), producer);
        launch.Run(context.Accelerator.DefaultStream);
        return result.Read();
    }
}
