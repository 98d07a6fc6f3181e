using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

public class DenseBackwardTests
{
    // Batch, the layer's inputs, its outputs.
    private static readonly (int Batch, int Inputs, int Outputs)[] Shapes =
        [(1, 1, 1), (3, 5, 2), (7, 31, 13), (9, 65, 10), (17, 67, 3)];

    private static readonly (int Batch, int Inputs, int Outputs)[] LargeShapes =
        [(1, 784, 10), (37, 10, 61), (33, 401, 131), (128, 30, 30), (19, 193, 523), (523, 19, 193)];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithTensorCores;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Input_gradients_match_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int batch, int inputs, int outputs) in DenseData.ShapesFor(variant, Shapes, LargeShapes))
        {
            foreach (Activation activation in DenseData.Activations)
            {
                foreach (float rate in (float[])[0, 0.3f])
                    CheckInput(context, batch, inputs, outputs, activation, rate);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Weight_gradients_match_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int batch, int inputs, int outputs) in DenseData.ShapesFor(variant, Shapes, LargeShapes))
        {
            float[] x = TestData.Uniform(batch * inputs, 1, 1);
            float[] g = TestData.Uniform(batch * outputs, 1, 2);
            (float[] weights, float[] biases) = RunWeights(context, x, g, batch);
            (double[] expectedWeights, double[] expectedBiases) =
                DenseBackwardWeights.Reference(DenseData.Double(x), DenseData.Double(g), batch, inputs, outputs);
            (double[] weightMagnitudes, double[] biasMagnitudes) =
                DenseBackwardWeights.Reference(Absolute(x), Absolute(g), batch, inputs, outputs);
            for (int i = 0; i < weights.Length; i++)
                Tolerance.DotProduct(batch, weightMagnitudes[i]).Check(expectedWeights[i], weights[i], $"{batch} x {inputs} x {outputs}, weight {i}");
            for (int i = 0; i < biases.Length; i++)
                Tolerance.DotProduct(batch, biasMagnitudes[i]).Check(expectedBiases[i], biases[i], $"{batch} x {inputs} x {outputs}, bias {i}");
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
            float[] x = TestData.Uniform(batch * inputs, 1, 1);
            float[] g = TestData.Uniform(batch * outputs, 1, 2);
            float[] w = TestData.Uniform(inputs * outputs, 1, 3);
            float[] inputGradient = RunInput(two, g, w, x, x, batch, Activation.Gelu, 0.5f);
            (float[] weights, float[] biases) = RunWeights(two, x, g, batch);
            foreach (int threads in (int[])[1, 2, 3])
            {
                using KernelContext context = new(two.Accelerator, variant, threads);
                Assert.Equal(inputGradient, RunInput(context, g, w, x, x, batch, Activation.Gelu, 0.5f));
                (float[] otherWeights, float[] otherBiases) = RunWeights(context, x, g, batch);
                Assert.Equal(weights, otherWeights);
                Assert.Equal(biases, otherBiases);
            }
        }
    }

    [Fact]
    public void Without_a_producer_the_input_gradient_is_the_product()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> g = new(context, TestData.Uniform(7 * 5, 1, 1));
        using GuardedBuffer<float> w = new(context, TestData.Uniform(9 * 5, 1, 2));
        using GuardedBuffer<float> first = new(context, 7 * 9);
        using GuardedBuffer<float> second = new(context, 7 * 9);
        using Launch backward = DenseBackwardInput.Bind(context, g.Matrix(7, 5), w.Matrix(9, 5), first.Matrix(7, 9));
        using Launch product = MatrixProduct.Bind(context, g.Matrix(7, 5), w.Matrix(9, 5), second.Matrix(7, 9), transposeRight: true);
        backward.Run(context.Accelerator.DefaultStream);
        product.Run(context.Accelerator.DefaultStream);
        Assert.Equal(second.Read(), first.Read());
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> a = new(context, 60);
        using GuardedBuffer<float> b = new(context, 60);
        using GuardedBuffer<float> c = new(context, 60);
        using GuardedBuffer<float> d = new(context, 60);
        Matrix<float> gradient = a.Matrix(3, 5);
        Matrix<float> weights = b.Matrix(4, 5);
        Matrix<float> result = c.Matrix(3, 4);
        Matrix<float> output = d.Matrix(3, 4);
        DenseBackwardInput.Bind(context, gradient, weights, result, new Producer<float>(Activation.Tanh, output)).Dispose();
        Assert.Throws<ArgumentException>(() => DenseBackwardInput.Bind(context, gradient, b.Matrix(5, 4), result));
        Assert.Throws<ArgumentException>(() => DenseBackwardInput.Bind(context, gradient, weights, c.Matrix(4, 3)));
        Assert.Throws<ArgumentException>(() => DenseBackwardInput.Bind(context, gradient, weights, a.Matrix(3, 4)));
        Assert.Throws<ArgumentException>(() => DenseBackwardInput.Bind(context, a.Matrix(0, 5), weights, c.Matrix(0, 4)));
        Assert.Throws<ArgumentException>(
            () => DenseBackwardInput.Bind(context, gradient, weights, result, new Producer<float>(Activation.Relu, d.Matrix(4, 3))));
        Assert.Throws<ArgumentException>(
            () => DenseBackwardInput.Bind(context, gradient, weights, result, new Producer<float>(Activation.Relu, result)));
        ArgumentException gelu = Assert.Throws<ArgumentException>(
            () => DenseBackwardInput.Bind(context, gradient, weights, result, new Producer<float>(Activation.Gelu, output)));
        Assert.Contains("preactivation", gelu.Message, StringComparison.Ordinal);
        using GuardedBuffer<StepState> clock = DenseData.Clock(context);
        Assert.Throws<ArgumentOutOfRangeException>(() => DenseBackwardInput.Bind(
            context, gradient, weights, result, new Producer<float>(Activation.Tanh, output, Dropout: new Dropout(1, 1, 16, clock.View))));

        DenseBackwardWeights.Bind(context, output, gradient, b.Matrix(4, 5), c.View.SubView(0, 5)).Dispose();
        Assert.Throws<ArgumentException>(() => DenseBackwardWeights.Bind(context, d.Matrix(4, 3), gradient, b.Matrix(4, 5), c.View.SubView(0, 5)));
        Assert.Throws<ArgumentException>(() => DenseBackwardWeights.Bind(context, output, gradient, b.Matrix(5, 4), c.View.SubView(0, 5)));
        Assert.Throws<ArgumentException>(() => DenseBackwardWeights.Bind(context, output, gradient, b.Matrix(4, 5), c.View.SubView(0, 6)));
        Assert.Throws<ArgumentException>(() => DenseBackwardWeights.Bind(context, output, gradient, d.Matrix(4, 5), c.View.SubView(0, 5)));
        Assert.Throws<ArgumentException>(() => DenseBackwardWeights.Bind(context, output, gradient, b.Matrix(4, 5), b.View.SubView(15, 5)));
        Assert.Throws<ArgumentException>(() => DenseBackwardWeights.Bind(context, d.Matrix(0, 4), a.Matrix(0, 5), b.Matrix(4, 5), c.View.SubView(0, 5)));
    }

    private static void CheckInput(KernelContext context, int batch, int inputs, int outputs, Activation activation, float rate)
    {
        float[] g = TestData.Uniform(batch * outputs, 1, 1);
        float[] w = TestData.Uniform(inputs * outputs, 1, 2);
        float[] preactivation = TestData.Uniform(batch * inputs, 2, 3);
        double[] factors = DenseData.DropoutFactors(rate, RandomStreams.Dropout(0), batch, inputs);
        float[] output = [.. preactivation.Select((a, i) => (float)(factors[i] * DenseForward.ReferenceActivation(activation, a)))];
        float[] result = RunInput(context, g, w, output, preactivation, batch, activation, rate);
        double[] ones = [.. Enumerable.Repeat(1.0, inputs)];
        for (int row = 0; row < batch; row++)
        {
            float[] gRow = g[(row * outputs)..((row + 1) * outputs)];
            double[] a = DenseData.Double(preactivation[(row * inputs)..((row + 1) * inputs)]);
            double[] expected = DenseBackwardInput.Reference(
                DenseData.Double(gRow), DenseData.Double(w), activation, a, factors.AsSpan(row * inputs, inputs));
            double[] magnitude = DenseBackwardInput.Reference(Absolute(gRow), Absolute(w), Activation.Identity, a, ones);
            for (int column = 0; column < inputs; column++)
            {
                // f' is at most 1.13 and its own error about 8 roundings more.
                double scale = 1.13 * factors[(row * inputs) + column];
                Tolerance.DotProduct(outputs + 8, magnitude[column] * scale).Check(
                    expected[column],
                    result[(row * inputs) + column],
                    $"{batch} x {inputs} x {outputs}, {activation}, rate {rate}, row {row}, column {column}");
            }
        }
    }

    private static float[] RunInput(
        KernelContext context, float[] g, float[] w, float[] output, float[] preactivation, int batch, Activation activation, float rate)
    {
        int inputs = output.Length / batch;
        int outputs = g.Length / batch;
        using GuardedBuffer<float> gradient = new(context, g);
        using GuardedBuffer<float> weights = new(context, w);
        using GuardedBuffer<float> y = new(context, output);
        using GuardedBuffer<float> a = new(context, preactivation);
        using GuardedBuffer<float> result = new(context, output.Length);
        using GuardedBuffer<StepState> clock = DenseData.Clock(context);
        Dropout? dropout = rate > 0 ? new Dropout(rate, DenseData.Seed, RandomStreams.Dropout(0), clock.View) : null;
        Producer<float> producer = new(activation, y.Matrix(batch, inputs), a.Matrix(batch, inputs), dropout);
        using Launch launch = DenseBackwardInput.Bind(
            context, gradient.Matrix(batch, outputs), weights.Matrix(inputs, outputs), result.Matrix(batch, inputs), producer);
        launch.Run(context.Accelerator.DefaultStream);
        float[] first = result.Read("input gradient");
        launch.Run(context.Accelerator.DefaultStream);
        Assert.Equal(first, result.Read("input gradient"));
        Assert.Equal(g, gradient.Read("gradient"));
        Assert.Equal(w, weights.Read("weights"));
        Assert.Equal(output, y.Read("output"));
        return first;
    }

    private static (float[] Weights, float[] Biases) RunWeights(KernelContext context, float[] x, float[] g, int batch)
    {
        int inputs = x.Length / batch;
        int outputs = g.Length / batch;
        using GuardedBuffer<float> input = new(context, x);
        using GuardedBuffer<float> gradient = new(context, g);
        using GuardedBuffer<float> weights = new(context, inputs * outputs);
        using GuardedBuffer<float> biases = new(context, outputs);
        using Launch launch = DenseBackwardWeights.Bind(
            context, input.Matrix(batch, inputs), gradient.Matrix(batch, outputs), weights.Matrix(inputs, outputs), biases.View);
        launch.Run(context.Accelerator.DefaultStream);
        float[] first = weights.Read("weight gradients");
        launch.Run(context.Accelerator.DefaultStream);
        Assert.Equal(first, weights.Read("weight gradients"));
        Assert.Equal(x, input.Read("input"));
        Assert.Equal(g, gradient.Read("gradient"));
        return (first, biases.Read("bias gradients"));
    }

    private static double[] Absolute(float[] values) => [.. values.Select(v => (double)Math.Abs(v))];
}
