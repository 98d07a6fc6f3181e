using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

public class DenseForwardTests
{
    private static readonly (int Batch, int Inputs, int Outputs)[] Shapes =
        [(1, 1, 1), (3, 5, 2), (7, 13, 31), (9, 30, 65), (17, 3, 67)];

    private static readonly (int Batch, int Inputs, int Outputs)[] LargeShapes =
        [(1, 784, 10), (37, 61, 10), (33, 131, 401), (128, 30, 30), (19, 523, 193)];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithTensorCores;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int batch, int inputs, int outputs) in DenseData.ShapesFor(variant, Shapes, LargeShapes))
        {
            foreach (Activation activation in DenseData.Activations)
            {
                foreach (float rate in (float[])[0, 0.3f])
                    CheckLayer(context, batch, inputs, outputs, activation, rate);
            }
        }
    }

    [Theory]
    [InlineData(KernelVariant.Simd512)]
    [InlineData(KernelVariant.Simd256)]
    [InlineData(KernelVariant.Simd128)]
    public void The_number_of_threads_changes_no_bit(KernelVariant variant)
    {
        KernelContext two = TestDevices.Get("cpu", variant);
        foreach ((int batch, int inputs, int outputs) in Shapes.Concat(LargeShapes))
        {
            (float[] x, float[] w, float[] b) = Layer(batch, inputs, outputs);
            float[] expected = Run(two, x, w, b, batch, Activation.Gelu, 0.5f).Output;
            foreach (int threads in (int[])[1, 2, 3])
            {
                using KernelContext context = new(two.Accelerator, variant, threads);
                Assert.Equal(expected, Run(context, x, w, b, batch, Activation.Gelu, 0.5f).Output);
            }
        }
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> x = new(context, 12);
        using GuardedBuffer<float> w = new(context, 20);
        using GuardedBuffer<float> b = new(context, 5);
        using GuardedBuffer<float> y = new(context, 40);
        using GuardedBuffer<StepState> clock = DenseData.Clock(context);
        Matrix<float> input = x.Matrix(3, 4);
        Matrix<float> weights = w.Matrix(4, 5);
        Matrix<float> output = y.Matrix(3, 5);
        DenseForward.Bind(context, input, weights, b.View, output).Dispose();
        Assert.Throws<ArgumentException>(() => DenseForward.Bind(context, input, w.Matrix(5, 4), b.View, output));
        Assert.Throws<ArgumentException>(() => DenseForward.Bind(context, input, weights, b.View.SubView(0, 4), output));
        Assert.Throws<ArgumentException>(() => DenseForward.Bind(context, input, weights, b.View, y.Matrix(5, 3)));
        Assert.Throws<ArgumentException>(() => DenseForward.Bind(context, x.Matrix(0, 4), weights, b.View, y.Matrix(0, 5)));
        Assert.Throws<ArgumentException>(() => DenseForward.Bind(context, input, weights, b.View, w.Matrix(3, 5)));
        Assert.Throws<ArgumentException>(() => DenseForward.Bind(context, input, weights, b.View, output, preactivation: output));
        Assert.Throws<ArgumentException>(() => DenseForward.Bind(context, input, weights, b.View, output, preactivation: y.Matrix(5, 3)));
        Assert.Throws<ArgumentOutOfRangeException>(() => DenseForward.Bind(context, input, weights, b.View, output, (Activation)9));
        foreach (float rate in (float[])[-0.1f, 1, float.NaN])
        {
            Dropout dropout = new(rate, 1, 16, clock.View);
            Assert.Throws<ArgumentOutOfRangeException>(
                () => DenseForward.Bind(context, input, weights, b.View, output, dropout: dropout));
        }

        Dropout withoutClock = new(0.5f, 1, 16, clock.View.SubView(0, 0));
        Assert.Throws<ArgumentException>(() => DenseForward.Bind(context, input, weights, b.View, output, dropout: withoutClock));
    }

    // The product is checked through the preactivation; the activation, much more tightly, from that very preactivation.
    private static void CheckLayer(KernelContext context, int batch, int inputs, int outputs, Activation activation, float rate)
    {
        (float[] x, float[] w, float[] b) = Layer(batch, inputs, outputs);
        (float[] output, float[] preactivation) = Run(context, x, w, b, batch, activation, rate);
        double[] factors = DenseData.DropoutFactors(rate, RandomStreams.Dropout(0), batch, outputs);
        for (int row = 0; row < batch; row++)
        {
            double[] xRow = DenseData.Double(x[(row * inputs)..((row + 1) * inputs)]);
            double[] expected = DenseForward.Reference(xRow, DenseData.Double(w), DenseData.Double(b), activation).Preactivation;
            double[] magnitude = DenseForward.Reference(
                [.. xRow.Select(Math.Abs)], [.. w.Select(v => (double)Math.Abs(v))], [.. b.Select(v => (double)Math.Abs(v))], activation).Preactivation;
            for (int column = 0; column < outputs; column++)
            {
                int i = (row * outputs) + column;
                string what = $"{batch} x {inputs} x {outputs}, {activation}, rate {rate}, row {row}, column {column}";
                Tolerance.DotProduct(inputs + 1, magnitude[column]).Check(expected[column], preactivation[i], what);
                double value = factors[i] * DenseForward.ReferenceActivation(activation, preactivation[i]);
                Tolerance.Activation.Check(value, output[i], what);
                Assert.True(factors[i] != 0 || output[i] == 0, $"{what}: dropped, but {output[i]}");
            }
        }
    }

    private static (float[] X, float[] W, float[] B) Layer(int batch, int inputs, int outputs) => (
        TestData.Uniform(batch * inputs, 1, 1),
        TestData.Uniform(inputs * outputs, 4 / MathF.Sqrt(inputs), 2),
        TestData.Uniform(outputs, 1, 3));

    // Storing the preactivation must not change a bit of the output.
    private static (float[] Output, float[] Preactivation) Run(
        KernelContext context, float[] x, float[] w, float[] b, int batch, Activation activation, float rate)
    {
        int inputs = x.Length / batch;
        using GuardedBuffer<float> input = new(context, x);
        using GuardedBuffer<float> weights = new(context, w);
        using GuardedBuffer<float> biases = new(context, b);
        using GuardedBuffer<float> output = new(context, batch * b.Length);
        using GuardedBuffer<float> kept = new(context, batch * b.Length);
        using GuardedBuffer<StepState> clock = DenseData.Clock(context);
        Dropout? dropout = rate > 0 ? new Dropout(rate, DenseData.Seed, RandomStreams.Dropout(0), clock.View) : null;
        Matrix<float> y = output.Matrix(batch, b.Length);
        using Launch without = DenseForward.Bind(
            context, input.Matrix(batch, inputs), weights.Matrix(inputs, b.Length), biases.View, y, activation, dropout);
        without.Run(context.Accelerator.DefaultStream);
        float[] result = output.Read("output");
        using Launch with = DenseForward.Bind(
            context, input.Matrix(batch, inputs), weights.Matrix(inputs, b.Length), biases.View, y, activation, dropout, kept.Matrix(batch, b.Length));
        with.Run(context.Accelerator.DefaultStream);
        Assert.Equal(result, output.Read("output"));
        Assert.Equal(x, input.Read("input"));
        Assert.Equal(w, weights.Read("weights"));
        Assert.Equal(b, biases.Read("biases"));
        return (result, kept.Read("preactivation"));
    }
}
