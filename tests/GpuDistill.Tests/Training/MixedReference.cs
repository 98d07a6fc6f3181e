using GpuDistill.Kernels;

namespace GpuDistill.Tests.Training;

/// <summary>
/// A batch through a network and back by the operations' definitions in double precision. What mixed precision keeps in bf16 is rounded
/// by <paramref name="round"/>, which may as well do nothing.
/// </summary>
/// <param name="shape">The network.</param>
/// <param name="layers">Weights and biases of its layers.</param>
/// <param name="dropoutFactors">Of a hidden layer's outputs, 0 or 1 / (1 - <paramref name="rate"/>) each.</param>
/// <param name="rate">Dropout of the hidden layers.</param>
/// <param name="round">To the nearest number in bf16, or to itself.</param>
internal sealed class MixedReference(
    NetworkShape shape, IReadOnlyList<(double[] Weights, double[] Biases)> layers, Func<int, double[]> dropoutFactors, double rate, Func<double, double> round)
{
    private readonly double[][] _weights = [.. layers.Select(layer => layer.Weights.Select(round).ToArray())];
    private readonly List<double[]> _inputs = [];
    private readonly List<double[]> _preactivations = [];
    private int _rows;

    public static double BFloat16(double value) => (float)(BFloat16)(float)value;

    public double[] Logits(double[] images)
    {
        _rows = images.Length / shape.Inputs;
        _inputs.Clear();
        _preactivations.Clear();
        double[] values = [.. images.Select(round)];
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            _inputs.Add(values);
            (double[] before, double[] after) = Forward(layer, values);
            if (layer == shape.Layers - 1)
                return after;
            _preactivations.Add([.. before.Select(round)]);
            values = [.. after.Zip(dropoutFactors(layer), (value, factor) => round(value * factor))];
        }

        return values;
    }

    /// <summary>Of the batch that went forward last: gradients of weights and biases of each layer.</summary>
    public (double[] Weights, double[] Biases)[] Gradients(double[] logitsGradient)
    {
        (double[], double[])[] result = new (double[], double[])[shape.Layers];
        double[] gradient = [.. logitsGradient.Select(round)];
        for (int layer = shape.Layers - 1; layer >= 0; layer--)
        {
            int inputs = shape.Sizes[layer];
            int outputs = shape.Sizes[layer + 1];
            result[layer] = DenseBackwardWeights.Reference(_inputs[layer], gradient, _rows, inputs, outputs);
            if (layer == 0)
                break;
            double[] factors = dropoutFactors(layer - 1);
            double[] below = new double[_rows * inputs];
            for (int i = 0; i < below.Length; i++)
            {
                (int row, int k) = (i / inputs, i % inputs);
                double sum = 0;
                for (int j = 0; j < outputs; j++)
                    sum += gradient[(row * outputs) + j] * _weights[layer][(k * outputs) + j];
                below[i] = round(sum * Derivative(layer - 1, i) * factors[i]);
            }

            gradient = below;
        }

        return result;
    }

    // From what is kept, which is rounded: the output, or the preactivation of GELU.
    private double Derivative(int layer, int place)
    {
        double output = _inputs[layer + 1][place] * (1 - rate);
        return shape.Activation switch
        {
            Activation.Relu => output > 0 ? 1 : 0,
            Activation.Tanh => 1 - (output * output),
            _ => DenseBackwardInput.ReferenceDerivative(shape.Activation, _preactivations[layer][place]),
        };
    }

    private (double[] Before, double[] After) Forward(int layer, double[] values)
    {
        int inputs = shape.Sizes[layer];
        int outputs = shape.Sizes[layer + 1];
        double[] before = new double[_rows * outputs];
        double[] after = new double[_rows * outputs];
        for (int row = 0; row < _rows; row++)
        {
            (double[] a, double[] y) = DenseForward.Reference(
                values.AsSpan(row * inputs, inputs), _weights[layer], layers[layer].Biases, shape.ActivationOf(layer));
            a.CopyTo(before, row * outputs);
            y.CopyTo(after, row * outputs);
        }

        return (before, after);
    }
}
