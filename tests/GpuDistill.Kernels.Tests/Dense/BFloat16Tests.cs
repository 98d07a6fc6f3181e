using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

/// <summary>The dense operations in bf16, on tensor cores where they are and elsewhere over copies in single precision.</summary>
public class BFloat16Tests
{
    // Rows that begin at multiples of 16 bytes, and not; batch, the layer's inputs, its outputs.
    private static readonly (int Batch, int Inputs, int Outputs)[] Shapes = [(1, 1, 1), (7, 13, 31), (9, 40, 72), (17, 67, 3)];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithTensorCores;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Products_match_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int terms, int columns) in Shapes)
        {
            foreach ((bool left, bool right) in ((bool, bool)[])[(false, false), (false, true), (true, false), (true, true)])
                BFloat16Data.CheckProduct(context, rows, terms, columns, left, right, $"{variant}");
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_forward_pass_matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int batch, int inputs, int outputs) in Shapes)
        {
            foreach (Activation activation in DenseData.Activations)
            {
                float rate = activation == Activation.Gelu ? 0 : 0.3f;
                CheckForward<BFloat16>(context, batch, inputs, outputs, activation, rate, v => (float)v, rounded: true);
                CheckForward<float>(context, batch, inputs, outputs, activation, rate, v => v, rounded: false); // as logits are stored
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void An_input_gradient_matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int batch, int inputs, int outputs) in Shapes)
        {
            foreach (Activation activation in DenseData.Activations)
                CheckInputGradient(context, batch, inputs, outputs, activation, activation == Activation.Gelu ? 0 : 0.3f);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Weight_gradients_match_the_reference_in_single_precision(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int batch, int inputs, int outputs) in Shapes)
        {
            BFloat16[] x = BFloat16Data.Uniform(batch * inputs, 1, 1);
            BFloat16[] g = BFloat16Data.Uniform(batch * outputs, 1, 2);
            using GuardedBuffer<BFloat16> input = new(context, x);
            using GuardedBuffer<BFloat16> gradient = new(context, g);
            using GuardedBuffer<float> weights = new(context, inputs * outputs);
            using GuardedBuffer<float> biases = new(context, outputs);
            using Launch launch = DenseBackwardWeights.Bind(
                context, input.Matrix(batch, inputs), gradient.Matrix(batch, outputs), weights.Matrix(inputs, outputs), biases.View);
            launch.Run(context.Accelerator.DefaultStream);
            (double[] Weights, double[] Biases) expected =
                DenseBackwardWeights.Reference(BFloat16Data.Double(x), BFloat16Data.Double(g), batch, inputs, outputs);
            (double[] Weights, double[] Biases) magnitude = DenseBackwardWeights.Reference(
                BFloat16Data.Absolute(BFloat16Data.Double(x)), BFloat16Data.Absolute(BFloat16Data.Double(g)), batch, inputs, outputs);
            Check(expected.Weights, magnitude.Weights, weights.Read("weights"), "weight");
            Check(expected.Biases, magnitude.Biases, biases.Read("biases"), "bias");

            void Check(double[] values, double[] magnitudes, float[] actual, string what)
            {
                for (int i = 0; i < actual.Length; i++)
                    Tolerance.BFloat16Product(batch, magnitudes[i], rounded: false).Check(values[i], actual[i], $"{batch} x {inputs} x {outputs}, {what} {i}");
            }
        }
    }

    [Fact]
    public void Other_types_are_refused_by_name()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<double> a = new(context, 4);
        using GuardedBuffer<double> b = new(context, 4);
        NotSupportedException refused = Assert.Throws<NotSupportedException>(
            () => MatrixProduct.Bind(context, a.Matrix(2, 2), a.Matrix(2, 2), b.Matrix(2, 2)));
        Assert.Contains("float and BFloat16", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_context_of_products_in_bf16_refuses_matrices_in_single_precision()
    {
        using KernelContext context = new(TestDevices.Get("cpu", KernelVariant.Auto).Accelerator, precision: MatrixPrecision.BFloat16);
        using GuardedBuffer<float> a = new(context, 4);
        using GuardedBuffer<float> b = new(context, 4);
        using GuardedBuffer<float> c = new(context, 4);
        using GuardedBuffer<float> biases = new(context, 2);
        Matrix<float> left = a.Matrix(2, 2), right = b.Matrix(2, 2), result = c.Matrix(2, 2);
        foreach (Action bind in (Action[])[
            () => MatrixProduct.Bind(context, left, right, result),
            () => DenseForward.Bind(context, left, right, biases.View, result),
            () => DenseBackwardInput.Bind(context, left, right, result),
            () => DenseBackwardWeights.Bind(context, left, right, result, biases.View)])
        {
            Assert.EndsWith(
                " got matrices in single precision, and the precision chosen for products is BFloat16.",
                Assert.Throws<NotSupportedException>(bind).Message,
                StringComparison.Ordinal);
        }

        using GuardedBuffer<BFloat16> rounded = new(context, 4);
        MatrixProduct.Bind(context, rounded.Matrix(1, 4), rounded.Matrix(4, 1), new Matrix<BFloat16>(a.View.Cast<BFloat16>(), 1, 1)).Dispose();
    }

    [Fact]
    public void Single_precision_has_no_output_in_bf16()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> a = new(context, 4);
        using GuardedBuffer<BFloat16> c = new(context, 4);
        NotSupportedException refused = Assert.Throws<NotSupportedException>(
            () => DenseForward.Bind(context, a.Matrix(2, 2), a.Matrix(2, 2), a.View.SubView(0, 2), c.Matrix(2, 2)));
        Assert.Equal("DenseForward has no output in bf16 of matrices in single precision.", refused.Message);
    }

    private static void CheckForward<TOutput>(
        KernelContext context,
        int batch,
        int inputs,
        int outputs,
        Activation activation,
        float rate,
        Func<TOutput, float> widen,
        bool rounded)
        where TOutput : unmanaged
    {
        BFloat16[] x = BFloat16Data.Uniform(batch * inputs, 1, 1);
        BFloat16[] w = BFloat16Data.Uniform(inputs * outputs, 1, 2);
        float[] b = TestData.Uniform(outputs, 1, 3);
        using GuardedBuffer<BFloat16> input = new(context, x);
        using GuardedBuffer<BFloat16> weights = new(context, w);
        using GuardedBuffer<float> biases = new(context, b);
        using GuardedBuffer<TOutput> output = new(context, batch * outputs);
        using GuardedBuffer<TOutput> kept = new(context, batch * outputs);
        using GuardedBuffer<StepState> clock = DenseData.Clock(context);
        Dropout? dropout = rate > 0 ? new Dropout(rate, DenseData.Seed, RandomStreams.Dropout(0), clock.View) : null;
        using Launch launch = DenseForward.Bind(
            context,
            input.Matrix(batch, inputs),
            weights.Matrix(inputs, outputs),
            biases.View,
            output.Matrix(batch, outputs),
            activation,
            dropout,
            kept.Matrix(batch, outputs));
        launch.Run(context.Accelerator.DefaultStream);
        TOutput[] y = output.Read("output");
        TOutput[] a = kept.Read("preactivation");
        double[] factors = DenseData.DropoutFactors(rate, RandomStreams.Dropout(0), batch, outputs);
        for (int i = 0; i < y.Length; i++)
        {
            (int row, int column) = (i / outputs, i % outputs);
            double sum = b[column];
            double magnitude = Math.Abs(b[column]);
            for (int k = 0; k < inputs; k++)
            {
                double product = (double)(float)x[(row * inputs) + k] * (float)w[(k * outputs) + column];
                sum += product;
                magnitude += Math.Abs(product);
            }

            string what = $"{batch} x {inputs} x {outputs}, {activation}, {i}";
            Tolerance.BFloat16Product(inputs + 1, magnitude, rounded).Check(sum, widen(a[i]), what);
            // f' is at most 1.13 and f's own error a few roundings more.
            double expected = factors[i] * DenseForward.ReferenceActivation(activation, sum);
            Tolerance.BFloat16Product(inputs + 8, 1.13 * factors[i] * magnitude, rounded).Check(expected, widen(y[i]), what);
        }
    }

    private static void CheckInputGradient(KernelContext context, int batch, int inputs, int outputs, Activation activation, float rate)
    {
        BFloat16[] g = BFloat16Data.Uniform(batch * outputs, 1, 1);
        BFloat16[] w = BFloat16Data.Uniform(inputs * outputs, 1, 2);
        BFloat16[] a = BFloat16Data.Uniform(batch * inputs, 2, 3);
        double[] factors = DenseData.DropoutFactors(rate, RandomStreams.Dropout(0), batch, inputs);
        BFloat16[] y = [.. a.Select((v, i) => (BFloat16)(float)(factors[i] * DenseForward.ReferenceActivation(activation, (float)v)))];
        using GuardedBuffer<BFloat16> gradient = new(context, g);
        using GuardedBuffer<BFloat16> weights = new(context, w);
        using GuardedBuffer<BFloat16> output = new(context, y);
        using GuardedBuffer<BFloat16> preactivation = new(context, a);
        using GuardedBuffer<BFloat16> result = new(context, batch * inputs);
        using GuardedBuffer<StepState> clock = DenseData.Clock(context);
        Dropout? dropout = rate > 0 ? new Dropout(rate, DenseData.Seed, RandomStreams.Dropout(0), clock.View) : null;
        using Launch launch = DenseBackwardInput.Bind(
            context,
            gradient.Matrix(batch, outputs),
            weights.Matrix(inputs, outputs),
            result.Matrix(batch, inputs),
            new Producer<BFloat16>(activation, output.Matrix(batch, inputs), preactivation.Matrix(batch, inputs), dropout));
        launch.Run(context.Accelerator.DefaultStream);
        BFloat16[] actual = result.Read("input gradient");
        for (int i = 0; i < actual.Length; i++)
        {
            (int row, int column) = (i / inputs, i % inputs);
            double sum = 0;
            double magnitude = 0;
            for (int j = 0; j < outputs; j++)
            {
                double product = (double)(float)g[(row * outputs) + j] * (float)w[(column * outputs) + j];
                sum += product;
                magnitude += Math.Abs(product);
            }

            // The derivative follows from the rounded output that the operation is given.
            double undone = (float)y[i] * (1 - (double)rate);
            double derivative = activation switch
            {
                Activation.Relu => (float)y[i] > 0 ? 1 : 0,
                Activation.Tanh => 1 - (undone * undone),
                _ => DenseBackwardInput.ReferenceDerivative(activation, (float)a[i]),
            };
            Tolerance.BFloat16Product(outputs + 8, 1.13 * factors[i] * magnitude).Check(
                sum * derivative * factors[i], (float)actual[i], $"{batch} x {inputs} x {outputs}, {activation}, {i}");
        }
    }
}
