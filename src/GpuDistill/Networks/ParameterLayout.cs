using GpuDistill.Kernels;
using ILGPU;

namespace GpuDistill;

/// <summary>Where each layer's weights and biases stand in a network's parameter buffer, and in its gradients and moments.</summary>
internal sealed class ParameterLayout
{
    // 64 floats are 256 bytes, the alignment that kernels assume of a view.
    private const int Alignment = 64;

    private readonly (int Start, int Length)[] _weights;
    private readonly (int Start, int Length)[] _biases;

    public ParameterLayout(NetworkShape shape)
    {
        Shape = shape;
        _weights = new (int, int)[shape.Layers];
        _biases = new (int, int)[shape.Layers];
        long next = 0;
        for (int layer = 0; layer < shape.Layers; layer++)
            _weights[layer] = Place((long)shape.Sizes[layer] * shape.Sizes[layer + 1]);
        WeightsLength = (int)Math.Min(next, int.MaxValue);
        for (int layer = 0; layer < shape.Layers; layer++)
            _biases[layer] = Place(shape.Sizes[layer + 1]);
        if (next > Array.MaxLength)
            throw new ArgumentException($"The network {shape} has {shape.Parameters} parameters; {Array.MaxLength} at most can be held.", nameof(shape));
        Length = (int)next;

        (int, int) Place(long length)
        {
            (int, int) place = ((int)Math.Min(next, int.MaxValue), (int)Math.Min(length, int.MaxValue)); // too many are refused above
            next += (length + Alignment - 1) / Alignment * Alignment;
            return place;
        }
    }

    public NetworkShape Shape { get; }

    /// <summary>Floats in all, padding included (padding stays 0).</summary>
    public int Length { get; }

    /// <summary>Floats of the part that holds weights; the rest holds biases.</summary>
    public int WeightsLength { get; }

    public (int Start, int Length) Weights(int layer) => _weights[layer];

    public (int Start, int Length) Biases(int layer) => _biases[layer];
}

/// <summary>Typed views into one buffer with a <see cref="ParameterLayout"/>: parameters, gradients or moments.</summary>
internal readonly record struct ParameterViews(ArrayView<float> All, ParameterLayout Layout)
{
    public Matrix<float> Weights(int layer)
    {
        (int start, int length) = Layout.Weights(layer);
        return new Matrix<float>(All.SubView(start, length), Layout.Shape.Sizes[layer], Layout.Shape.Sizes[layer + 1]);
    }

    public ArrayView<float> Biases(int layer)
    {
        (int start, int length) = Layout.Biases(layer);
        return All.SubView(start, length);
    }
}
