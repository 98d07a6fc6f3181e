using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>A pass whose layers multiply matrices of one type.</summary>
/// <typeparam name="T">The type of images, weights, activations and their gradients.</typeparam>
internal abstract class LayeredPass<T> : NetworkPass
    where T : unmanaged
{
    private readonly Batch _batch;
    private readonly BufferGroup _buffers;
    private readonly Matrix<T> _input;

    // Of the hidden layers.
    private readonly Matrix<T>[] _outputs;
    private readonly Matrix<T>?[] _preactivations;
    private readonly Dropout?[] _dropouts;
    private readonly Matrix<T>[] _gradients;

    protected LayeredPass(Network network, Batch batch, TrainingPass? training)
    {
        Network = network;
        _batch = batch;
        _buffers = new BufferGroup(network.Device.Accelerator);
        NetworkShape shape = network.Shape;
        int hidden = shape.Layers - 1;
        _outputs = new Matrix<T>[hidden];
        _preactivations = new Matrix<T>?[hidden];
        _dropouts = new Dropout?[hidden];
        _gradients = new Matrix<T>[hidden];
        _input = Allocate<T>(shape.Inputs);
        Logits = Allocate<float>(shape.Classes);
        for (int layer = 0; layer < hidden; layer++)
        {
            _outputs[layer] = Allocate<T>(shape.Sizes[layer + 1]);
            if (training is null)
                continue;
            if (shape.Activation == Activation.Gelu)
                _preactivations[layer] = Allocate<T>(shape.Sizes[layer + 1]);
            if (training.HiddenDropout > 0)
                _dropouts[layer] = new Dropout(training.HiddenDropout, training.Seed, RandomStreams.Dropout(layer), training.Clock);
            _gradients[layer] = Allocate<T>(shape.Sizes[layer + 1]);
        }
    }

    public override Matrix<float> Logits { get; }

    protected Network Network { get; }

    /// <summary>The gradient at the logits as the last layer's backward passes read it.</summary>
    protected abstract Matrix<T> LogitsGradient { get; }

    public override Launch Gather(BatchOptions options) => _batch.BindGather(_input, options);

    public override IEnumerable<Launch> Forward()
    {
        int last = _outputs.Length;
        for (int layer = 0; layer < last; layer++)
        {
            yield return DenseForward.Bind(
                Network.Device.Kernels,
                InputOf(layer),
                Weights(layer),
                Network.Parameters.Biases(layer),
                _outputs[layer],
                Network.Shape.Activation,
                _dropouts[layer],
                _preactivations[layer]);
        }

        yield return DenseForward.Bind(Network.Device.Kernels, InputOf(last), Weights(last), Network.Parameters.Biases(last), Logits);
    }

    // The gradients of a layer's parameters are of no use to the layers below, so they stand aside.
    public override IEnumerable<Launch> Backward(ParameterViews gradients) => [new ForkedLaunch("Backward", BackwardParts(gradients))];

    public override float[] ReadInputOf(int layer) => ToFloats(InputOf(layer).Data.ToHost(Network.Device));

    public override float[] ReadGradientAt(int layer) => ToFloats(GradientAt(layer).Data.ToHost(Network.Device));

    public override void Dispose() => _buffers.Dispose();

    /// <summary>A layer's weights as its products read them, [inputs x outputs].</summary>
    protected abstract Matrix<T> Weights(int layer);

    protected abstract float[] ToFloats(T[] values);

    protected MemoryBuffer1D<TElement, Stride1D.Dense> AllocateBuffer<TElement>(long length)
        where TElement : unmanaged =>
        _buffers.Allocate<TElement>(length);

    /// <summary>A matrix with a row per row of the batch.</summary>
    protected Matrix<TElement> Allocate<TElement>(int columns)
        where TElement : unmanaged =>
        new(AllocateBuffer<TElement>((long)_batch.Size * columns).View, _batch.Size, columns);

    private Matrix<T> InputOf(int layer) => layer == 0 ? _input : _outputs[layer - 1];

    private Matrix<T> GradientAt(int layer) => layer == _gradients.Length ? LogitsGradient : _gradients[layer];

    private IEnumerable<(Launch Launch, bool IsAside)> BackwardParts(ParameterViews gradients)
    {
        KernelContext kernels = Network.Device.Kernels;
        for (int layer = _outputs.Length; layer >= 0; layer--)
        {
            Launch ofParameters = DenseBackwardWeights.Bind(
                kernels, InputOf(layer), GradientAt(layer), gradients.Weights(layer), gradients.Biases(layer));
            yield return (ofParameters, layer > 0);
            if (layer > 0)
            {
                Producer<T> producer = new(Network.Shape.Activation, _outputs[layer - 1], _preactivations[layer - 1], _dropouts[layer - 1]);
                Launch ofInput = DenseBackwardInput.Bind(kernels, GradientAt(layer), Weights(layer), _gradients[layer - 1], producer);
                yield return (ofInput, false);
            }
        }
    }
}
