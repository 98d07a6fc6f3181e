using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

/// <summary>
/// Two layers with dropout between them, carried forward and back by the kernels, against central differences of the forward
/// reference in double precision.
/// </summary>
public class DenseGradientTests
{
    private const int Batch = 3;
    private const int Inputs = 5;
    private const int Hidden = 19;
    private const int Outputs = 4;
    private const float Rate = 0.4f;

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithTensorCores;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Gradients_of_all_parameters_match_finite_differences(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (Activation activation in DenseData.Activations)
        {
            float[] x = TestData.Uniform(Batch * Inputs, 1, 1);
            float[] c = TestData.Uniform(Batch * Outputs, 1, 2);
            // W1, b1, W2, b2
            float[][] parameters =
            [
                TestData.Uniform(Inputs * Hidden, 1, 3), TestData.Uniform(Hidden, 1, 4),
                TestData.Uniform(Hidden * Outputs, 1, 5), TestData.Uniform(Outputs, 1, 6),
            ];
            float[][] gradients = Gradients(context, x, c, parameters, activation);
            for (int p = 0; p < parameters.Length; p++)
            {
                double[][] shifted = [.. parameters.Select(DenseData.Double)];
                for (int i = 0; i < parameters[p].Length; i++)
                {
                    const double Step = 1e-5;
                    shifted[p][i] = parameters[p][i] + Step;
                    double above = Loss(x, c, shifted, activation);
                    shifted[p][i] = parameters[p][i] - Step;
                    double below = Loss(x, c, shifted, activation);
                    shifted[p][i] = parameters[p][i];
                    double expected = (above - below) / (2 * Step);
                    // Sums of at most 19 terms, twice, of values of a few units.
                    Assert.True(
                        Math.Abs(expected - gradients[p][i]) <= 1e-5,
                        $"{activation}, parameter {p}, element {i}: {gradients[p][i]} instead of {expected}");
                }
            }
        }
    }

    // The loss is the sum of c times the output.
    private static double Loss(float[] x, float[] c, double[][] parameters, Activation activation)
    {
        double[] factors = DenseData.DropoutFactors(Rate, RandomStreams.Dropout(0), Batch, Hidden);
        double loss = 0;
        for (int row = 0; row < Batch; row++)
        {
            double[] hidden = DenseForward.Reference(
                DenseData.Double(x[(row * Inputs)..((row + 1) * Inputs)]), parameters[0], parameters[1], activation).Output;
            for (int k = 0; k < Hidden; k++)
                hidden[k] *= factors[(row * Hidden) + k];
            double[] output = DenseForward.Reference(hidden, parameters[2], parameters[3], Activation.Identity).Output;
            for (int j = 0; j < Outputs; j++)
                loss += c[(row * Outputs) + j] * output[j];
        }

        return loss;
    }

    private static float[][] Gradients(KernelContext context, float[] x, float[] c, float[][] parameters, Activation activation)
    {
        using GuardedBuffer<float> input = new(context, x);
        using GuardedBuffer<float> outputGradient = new(context, c);
        using GuardedBuffer<float> w1 = new(context, parameters[0]);
        using GuardedBuffer<float> b1 = new(context, parameters[1]);
        using GuardedBuffer<float> w2 = new(context, parameters[2]);
        using GuardedBuffer<float> kept = new(context, Batch * Hidden);
        using GuardedBuffer<float> hidden = new(context, Batch * Hidden);
        using GuardedBuffer<float> hiddenGradient = new(context, Batch * Hidden);
        using GuardedBuffer<float> dw1 = new(context, Inputs * Hidden);
        using GuardedBuffer<float> db1 = new(context, Hidden);
        using GuardedBuffer<float> dw2 = new(context, Hidden * Outputs);
        using GuardedBuffer<float> db2 = new(context, Outputs);
        using GuardedBuffer<StepState> clock = DenseData.Clock(context);
        Dropout dropout = new(Rate, DenseData.Seed, RandomStreams.Dropout(0), clock.View);
        Matrix<float> xs = input.Matrix(Batch, Inputs);
        Matrix<float> h = hidden.Matrix(Batch, Hidden);
        Matrix<float> dh = hiddenGradient.Matrix(Batch, Hidden);
        Matrix<float> dy = outputGradient.Matrix(Batch, Outputs);
        using LaunchSequence step = new(
            DenseForward.Bind(
                context, xs, w1.Matrix(Inputs, Hidden), b1.View, h, activation, dropout, kept.Matrix(Batch, Hidden)),
            DenseBackwardWeights.Bind(context, h, dy, dw2.Matrix(Hidden, Outputs), db2.View),
            DenseBackwardInput.Bind(
                context, dy, w2.Matrix(Hidden, Outputs), dh, new Producer<float>(activation, h, kept.Matrix(Batch, Hidden), dropout)),
            DenseBackwardWeights.Bind(context, xs, dh, dw1.Matrix(Inputs, Hidden), db1.View));
        step.Run(context.Accelerator.DefaultStream);
        return [dw1.Read(), db1.Read(), dw2.Read(), db2.Read()];
    }
}
