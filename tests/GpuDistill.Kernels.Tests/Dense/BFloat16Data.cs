using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense;

/// <summary>What the tests of dense operations in bf16 share.</summary>
internal static class BFloat16Data
{
    public static BFloat16[] Uniform(int count, float range, int seed) => [.. TestData.Uniform(count, range, seed).Select(v => (BFloat16)v)];

    public static double[] Double(IEnumerable<BFloat16> values) => [.. values.Select(v => (double)(float)v)];

    public static double[] Absolute(IEnumerable<double> values) => [.. values.Select(Math.Abs)];

    /// <summary>Checks a product of matrices in bf16, run twice over its result.</summary>
    public static void CheckProduct(
        KernelContext context, int rows, int terms, int columns, bool transposeLeft, bool transposeRight, string what)
    {
        BFloat16[] left = Uniform(rows * terms, 1, 1);
        BFloat16[] right = Uniform(terms * columns, 1, 2);
        using GuardedBuffer<BFloat16> a = new(context, left);
        using GuardedBuffer<BFloat16> b = new(context, right);
        using GuardedBuffer<BFloat16> c = new(context, rows * columns);
        using Launch launch = MatrixProduct.Bind(
            context,
            transposeLeft ? a.Matrix(terms, rows) : a.Matrix(rows, terms),
            transposeRight ? b.Matrix(columns, terms) : b.Matrix(terms, columns),
            c.Matrix(rows, columns),
            transposeLeft,
            transposeRight);
        launch.Run(context.Accelerator.DefaultStream);
        BFloat16[] result = c.Read("result");
        launch.Run(context.Accelerator.DefaultStream);
        Assert.Equal(result, c.Read("result"));
        Assert.Equal(left, a.Read("left"));
        Assert.Equal(right, b.Read("right"));
        float[] wideLeft = [.. left.Select(v => (float)v)];
        float[] wideRight = [.. right.Select(v => (float)v)];
        (double[] expected, double[] magnitude) =
            MatrixProduct.Reference(wideLeft, transposeLeft, wideRight, transposeRight, rows, columns, terms);
        for (int i = 0; i < result.Length; i++)
        {
            string element = $"{what} [{rows} x {terms}] [{terms} x {columns}], {transposeLeft} {transposeRight}, {i}";
            Tolerance.BFloat16Product(terms, magnitude[i]).Check(expected[i], (float)result[i], element);
        }
    }

    /// <summary>Checks a forward pass with dropout, to bf16 and to single precision, as logits are stored.</summary>
    public static void CheckForward(KernelContext context, int batch, int inputs, int outputs, Activation activation, float rate)
    {
        CheckForward<BFloat16>(context, batch, inputs, outputs, activation, rate, v => (float)v, rounded: true);
        CheckForward<float>(context, batch, inputs, outputs, activation, rate, v => v, rounded: false);
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
        BFloat16[] x = Uniform(batch * inputs, 1, 1);
        BFloat16[] w = Uniform(inputs * outputs, 1, 2);
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

    /// <summary>Checks an input gradient through a producer with dropout.</summary>
    public static void CheckInputGradient(KernelContext context, int batch, int inputs, int outputs, Activation activation, float rate)
    {
        BFloat16[] g = Uniform(batch * outputs, 1, 1);
        BFloat16[] w = Uniform(inputs * outputs, 1, 2);
        BFloat16[] a = Uniform(batch * inputs, 2, 3);
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

    /// <summary>Checks the gradients of weights and biases, which are in single precision.</summary>
    public static void CheckWeightGradients(KernelContext context, int batch, int inputs, int outputs)
    {
        BFloat16[] x = Uniform(batch * inputs, 1, 1);
        BFloat16[] g = Uniform(batch * outputs, 1, 2);
        using GuardedBuffer<BFloat16> input = new(context, x);
        using GuardedBuffer<BFloat16> gradient = new(context, g);
        using GuardedBuffer<float> weights = new(context, inputs * outputs);
        using GuardedBuffer<float> biases = new(context, outputs);
        using Launch launch = DenseBackwardWeights.Bind(
            context, input.Matrix(batch, inputs), gradient.Matrix(batch, outputs), weights.Matrix(inputs, outputs), biases.View);
        launch.Run(context.Accelerator.DefaultStream);
        (double[] Weights, double[] Biases) expected =
            DenseBackwardWeights.Reference(Double(x), Double(g), batch, inputs, outputs);
        (double[] Weights, double[] Biases) magnitude = DenseBackwardWeights.Reference(
            Absolute(Double(x)), Absolute(Double(g)), batch, inputs, outputs);
        Check(expected.Weights, magnitude.Weights, weights.Read("weights"), "weight");
        Check(expected.Biases, magnitude.Biases, biases.Read("biases"), "bias");

        void Check(double[] values, double[] magnitudes, float[] actual, string what)
        {
            for (int i = 0; i < actual.Length; i++)
                Tolerance.BFloat16Product(batch, magnitudes[i], rounded: false).Check(values[i], actual[i], $"{batch} x {inputs} x {outputs}, {what} {i}");
        }
    }
}
