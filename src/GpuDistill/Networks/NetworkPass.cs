using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>
/// The buffers of one batch on its way through a network, allocated once, and the launches that carry it forward and its
/// gradient back.
/// </summary>
internal sealed class NetworkPass : IDisposable
{
    private readonly Network _network;
    private readonly List<MemoryBuffer> _buffers = [];
    private readonly Matrix<float>[] _outputs;
    private readonly Matrix<float>?[] _preactivations;
    private readonly Dropout?[] _dropouts;
    private readonly Matrix<float>[] _gradients;

    /// <param name="network">The network.</param>
    /// <param name="input">The batch, [B x inputs].</param>
    /// <param name="training">What dropout needs while training; null for a pass that only predicts.</param>
    public NetworkPass(Network network, Matrix<float> input, TrainingPass? training = null)
    {
        _network = network;
        Input = input;
        NetworkShape shape = network.Shape;
        _outputs = new Matrix<float>[shape.Layers];
        _preactivations = new Matrix<float>?[shape.Layers];
        _dropouts = new Dropout?[shape.Layers];
        _gradients = new Matrix<float>[shape.Layers];
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            bool last = layer == shape.Layers - 1;
            _outputs[layer] = Allocate(shape.Sizes[layer + 1]);
            if (training is null)
                continue;
            if (shape.ActivationOf(layer) == Activation.Gelu)
                _preactivations[layer] = Allocate(shape.Sizes[layer + 1]);
            if (!last && training.HiddenDropout > 0)
                _dropouts[layer] = new Dropout(training.HiddenDropout, training.Seed, RandomStreams.Dropout(layer), training.Clock);
            // The objective's gradient overwrites the logits; the layers below need buffers of their own.
            _gradients[layer] = last ? _outputs[layer] : Allocate(shape.Sizes[layer + 1]);
        }
    }

    public Matrix<float> Input { get; }

    /// <summary>The last layer's output, [B x classes]; after the objective has run, its gradient.</summary>
    public Matrix<float> Logits => _outputs[^1];

    /// <summary>What a layer takes in, [B x its inputs].</summary>
    public Matrix<float> InputOf(int layer) => layer == 0 ? Input : _outputs[layer - 1];

    /// <summary>After the backward pass of training, the gradient at a layer's output before its activation, [B x its outputs].</summary>
    public Matrix<float> GradientAt(int layer) => _gradients[layer];

    public IEnumerable<Launch> Forward()
    {
        ParameterViews parameters = _network.Parameters;
        for (int layer = 0; layer < _outputs.Length; layer++)
        {
            yield return DenseForward.Bind(
                _network.Device.Kernels,
                InputOf(layer),
                parameters.Weights(layer),
                parameters.Biases(layer),
                _outputs[layer],
                _network.Shape.ActivationOf(layer),
                _dropouts[layer],
                _preactivations[layer]);
        }
    }

    /// <summary>
    /// From the gradient at the logits to the gradients of all parameters. Those of a layer's parameters are of no use to the layers
    /// below, so they stand aside.
    /// </summary>
    public Launch Backward(ParameterViews gradients) => new ForkedLaunch("Backward", BackwardParts(gradients));

    public void Dispose()
    {
        foreach (MemoryBuffer buffer in _buffers)
            buffer.Dispose();
    }

    private IEnumerable<(Launch Launch, bool IsAside)> BackwardParts(ParameterViews gradients)
    {
        KernelContext kernels = _network.Device.Kernels;
        ParameterViews parameters = _network.Parameters;
        for (int layer = _outputs.Length - 1; layer >= 0; layer--)
        {
            Launch ofParameters = DenseBackwardWeights.Bind(
                kernels,
                InputOf(layer),
                _gradients[layer],
                gradients.Weights(layer),
                gradients.Biases(layer));
            yield return (ofParameters, layer > 0);
            if (layer > 0)
            {
                Producer<float> producer = new(
                    _network.Shape.ActivationOf(layer - 1), _outputs[layer - 1], _preactivations[layer - 1], _dropouts[layer - 1]);
                Launch ofInput = DenseBackwardInput.Bind(
                    kernels, _gradients[layer], parameters.Weights(layer), _gradients[layer - 1], producer);
                yield return (ofInput, false);
            }
        }
    }

    private Matrix<float> Allocate(int columns)
    {
        MemoryBuffer1D<float, Stride1D.Dense> buffer = _network.Device.Accelerator.Allocate1D<float>((long)Input.Rows * columns);
        _buffers.Add(buffer);
        return new Matrix<float>(buffer.View, Input.Rows, columns);
    }
}

/// <summary>What a pass needs to train: dropout of the hidden layers, drawn by seed and step.</summary>
internal sealed record TrainingPass(float HiddenDropout, ulong Seed, ArrayView<StepState> Clock);
