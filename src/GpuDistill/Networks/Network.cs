using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>
/// A fully connected network whose parameters live on a device, in one buffer: all weights, then all biases, each layer's
/// part on a boundary of 256 bytes. An optimizer thus needs one launch.
/// </summary>
public sealed class Network : IDisposable
{
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _buffer;
    private readonly ParameterLayout _layout;
    private readonly HashSet<int> _unset;

    /// <summary>
    /// A network that has no parameters yet: <see cref="Initialize"/> draws them, <see cref="WriteLayer"/> sets a layer's. Before that
    /// it neither trains nor predicts.
    /// </summary>
    public Network(DistillDevice device, NetworkShape shape)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(shape);
        device.ThrowIfDisposed();
        Device = device;
        Shape = shape;
        _layout = new ParameterLayout(shape);
        _unset = [.. Enumerable.Range(0, shape.Layers)];
        _buffer = device.Accelerator.Allocate1D<float>(_layout.Length);
        _buffer.MemSetToZero(device.Stream);
        device.Stream.Synchronize();
    }

    /// <summary>The device that holds the parameters.</summary>
    public DistillDevice Device { get; }

    /// <summary>Layer sizes and activation.</summary>
    public NetworkShape Shape { get; }

    /// <exception cref="ObjectDisposedException">The network was disposed.</exception>
    internal ParameterViews Parameters
    {
        get
        {
            ThrowIfDisposed();
            return new(_buffer.View, _layout);
        }
    }

    /// <summary>
    /// Draws the weights uniformly from +-sqrt(6 / inputs) before ReLU and GELU (He et al. 2015) and from
    /// +-sqrt(6 / (inputs + outputs)) otherwise (Glorot and Bengio 2010), and sets the biases to 0.
    /// </summary>
    /// <param name="seed">The same seed gives the same weights on every device.</param>
    /// <returns>The network itself.</returns>
    public Network Initialize(ulong seed)
    {
        float[] values = new float[_layout.Length];
        for (int layer = 0; layer < Shape.Layers; layer++)
        {
            int inputs = Shape.Sizes[layer];
            int outputs = Shape.Sizes[layer + 1];
            bool rectified = Shape.ActivationOf(layer) is Activation.Relu or Activation.Gelu;
            float limit = MathF.Sqrt(6f / (rectified ? inputs : inputs + outputs));
            Span<float> weights = values.AsSpan(_layout.Weights(layer).Start, inputs * outputs);
            for (int i = 0; i < weights.Length; i++)
            {
                float uniform = Philox.Uniform(seed, RandomStreams.Initialization, layer, (uint)(i / outputs), (uint)(i % outputs));
                weights[i] = ((2 * uniform) - 1) * limit;
            }
        }

        Upload(values);
        return this;
    }

    /// <summary>Copies one layer's weights [inputs x outputs] and biases [outputs] to the host.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    public (float[] Weights, float[] Biases) ReadLayer(int layer)
    {
        ParameterViews parameters = Parameters;
        CheckLayer(layer);
        return (parameters.Weights(layer).Data.ToHost(Device), parameters.Biases(layer).ToHost(Device));
    }

    /// <summary>Replaces one layer's weights [inputs x outputs] and biases [outputs].</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    /// <exception cref="ArgumentException">The layer has another number of weights or biases; nothing is written then.</exception>
    public void WriteLayer(int layer, float[] weights, float[] biases)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(biases);
        ParameterViews parameters = Parameters;
        CheckLayer(layer);
        CheckCount(weights.Length, parameters.Weights(layer).Data.Length, layer, nameof(weights));
        CheckCount(biases.Length, parameters.Biases(layer).Length, layer, nameof(biases));
        parameters.Weights(layer).Data.FromHost(Device, weights);
        parameters.Biases(layer).FromHost(Device, biases);
        _unset.Remove(layer);
    }

    /// <summary>Adds to the biases of one layer; the logits of an input move by the same amounts if it is the last.</summary>
    /// <param name="layer">The layer, from 0.</param>
    /// <param name="offsets">What is added, one number per output of the layer.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    public void AddToBiases(int layer, IReadOnlyList<float> offsets)
    {
        ArgumentNullException.ThrowIfNull(offsets);
        ParameterViews parameters = Parameters;
        CheckLayer(layer);
        ArrayView<float> biases = parameters.Biases(layer);
        if (offsets.Count != biases.Length)
            throw new ArgumentException($"{offsets.Count} offsets for {biases.Length} biases.", nameof(offsets));
        biases.FromHost(Device, [.. biases.ToHost(Device).Zip(offsets, (bias, offset) => bias + offset)]);
    }

    /// <inheritdoc/>
    public void Dispose() => _buffer.Dispose();

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_buffer.IsDisposed, this);

    /// <summary>All zeros give every unit the same gradient, or none: such a network would train to chance without a word.</summary>
    internal void ThrowIfUnset()
    {
        if (_unset.Count > 0)
        {
            throw new InvalidOperationException(
                $"Layer {_unset.Min()} of the network {Shape} has no parameters yet: call Initialize(seed), or WriteLayer for each layer, or load a model or a checkpoint.");
        }
    }

    /// <summary>Sets all parameters, in the order of the layout.</summary>
    internal void Upload(float[] values)
    {
        Parameters.All.FromHost(Device, values);
        _unset.Clear();
    }

    private void CheckLayer(int layer)
    {
        if (layer < 0 || layer >= Shape.Layers)
            throw new ArgumentOutOfRangeException(nameof(layer), layer, $"The network {Shape} has the layers 0 to {Shape.Layers - 1}.");
    }

    private void CheckCount(int count, long expected, int layer, string name)
    {
        if (count != expected)
            throw new ArgumentException($"{count} {name} for layer {layer} of the network {Shape}, which has {expected}.", name);
    }
}
