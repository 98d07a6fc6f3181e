using GpuDistill.Kernels;

namespace GpuDistill.GpuTimings;

/// <summary>
/// Training steps compared with the operations' definitions in double precision. The data set is one batch, so that the order in which
/// rows are gathered does not matter.
/// </summary>
internal static class StepCheck
{
    // From the second on they are replayed from a recorded graph.
    private const int Steps = 3;

    /// <param name="device">The device.</param>
    /// <param name="shape">The network.</param>
    /// <param name="batch">Rows of a batch.</param>
    /// <param name="learningRate">Another than the training's, in tests.</param>
    /// <exception cref="InvalidOperationException">A layer's weights or biases moved elsewhere.</exception>
    public static void Of(DistillDevice device, NetworkShape shape, int batch, double learningRate = StepSetup.LearningRate)
    {
        using StepSetup setup = new(device, shape, batch, Steps, batch);
        Layer[] layers = [.. Enumerable.Range(0, shape.Layers).Select(layer => new Layer(shape, layer, setup.Network.ReadLayer(layer)))];
        setup.Trainer.Run();
        for (int step = 0; step < Steps; step++)
            Advance(layers, setup, batch, learningRate);

        // In norms, and far above rounding: a preactivation near 0 may have the other sign than in double precision, and one such among
        // the 100,000 of a layer and batch is 3e-3 of the gradient's norm. In TF32 some 25 of them do, which makes 1.5e-2; in bf16 eight
        // times as many, and with what else is rounded there that makes 7e-2 (measured, on the processor).
        double allowed = device.Kernels.Precision switch
        {
            MatrixPrecision.BFloat16 => 2e-1,
            MatrixPrecision.Tf32 => 6e-2,
            _ => 1e-2,
        };
        for (int layer = 0; layer < layers.Length; layer++)
        {
            (float[] weights, float[] biases) = setup.Network.ReadLayer(layer);
            Compare($"layer {layer}'s weights", layers[layer].Weights, weights, allowed);
            Compare($"layer {layer}'s biases", layers[layer].Biases, biases, allowed);
        }
    }

    private static void Compare(string name, Parameters expected, float[] actual, double allowed)
    {
        double moved = 0;
        double off = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            moved += Math.Pow(expected.Values[i] - expected.Start[i], 2);
            off += Math.Pow(expected.Values[i] - actual[i], 2);
        }

        double error = Math.Sqrt(off / moved);
        if (!(error <= allowed)) // true for NaN
            throw new InvalidOperationException($"after {Steps} steps {name} are off by {error:G3} of their way; allowed {allowed:G3}");
    }

    private static void Advance(Layer[] layers, StepSetup setup, int batch, double learningRate)
    {
        double[] images = [.. setup.Dataset.Pixels.Select(pixel => pixel / 255.0)];
        double[] ones = Enumerable.Repeat(1.0, layers.Max(layer => layer.Inputs)).ToArray();
        double[][] inputs = new double[layers.Length][];
        double[][] preactivations = new double[layers.Length][];
        double[] values = images;
        for (int i = 0; i < layers.Length; i++)
        {
            Layer layer = layers[i];
            (inputs[i], preactivations[i]) = (values, new double[batch * layer.Outputs]);
            values = new double[batch * layer.Outputs];
            for (int row = 0; row < batch; row++)
            {
                (double[] before, double[] after) = DenseForward.Reference(
                    inputs[i].AsSpan(row * layer.Inputs, layer.Inputs), layer.Weights.Values, layer.Biases.Values, layer.Activation);
                before.CopyTo(preactivations[i], row * layer.Outputs);
                after.CopyTo(values, row * layer.Outputs);
            }
        }

        DistillationLoss.Reference loss = new(StepSetup.Loss, layers[^1].Outputs);
        double[] gradient = loss.Run([.. values.Select(value => (float)value)], setup.Logits, setup.Dataset.Labels).Gradient;
        for (int i = layers.Length - 1; i >= 0; i--)
        {
            Layer layer = layers[i];
            (double[] weights, double[] biases) = DenseBackwardWeights.Reference(inputs[i], gradient, batch, layer.Inputs, layer.Outputs);
            double[] below = new double[batch * layer.Inputs];
            for (int row = 0; i > 0 && row < batch; row++)
            {
                DenseBackwardInput.Reference(
                    gradient.AsSpan(row * layer.Outputs, layer.Outputs),
                    layer.Weights.Values,
                    layers[i - 1].Activation,
                    preactivations[i - 1].AsSpan(row * layer.Inputs, layer.Inputs),
                    ones.AsSpan(0, layer.Inputs)).CopyTo(below, row * layer.Inputs);
            }

            layer.Weights.Advance(weights, learningRate);
            layer.Biases.Advance(biases, learningRate);
            gradient = below;
        }
    }

    private sealed class Layer(NetworkShape shape, int number, (float[] Weights, float[] Biases) start)
    {
        public int Inputs => shape.Sizes[number];

        public int Outputs => shape.Sizes[number + 1];

        public Activation Activation => number < shape.Layers - 1 ? shape.Activation : Activation.Identity;

        public Parameters Weights { get; } = new(start.Weights);

        public Parameters Biases { get; } = new(start.Biases);
    }

    private sealed class Parameters(float[] start)
    {
        private readonly double[] _velocity = new double[start.Length];

        public float[] Start => start;

        public double[] Values { get; } = [.. start.Select(value => (double)value)];

        public void Advance(double[] gradient, double learningRate) =>
            Sgd.Reference(Values, [.. gradient.Select(value => (float)value)], _velocity, learningRate, StepSetup.Sgd);
    }
}
