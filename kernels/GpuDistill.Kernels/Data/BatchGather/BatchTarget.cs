using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>The buffers that a batch is gathered into.</summary>
/// <typeparam name="T">The type of the pixels: <see cref="float"/> or <see cref="BFloat16"/>.</typeparam>
public readonly record struct BatchTarget<T>
    where T : unmanaged
{
    /// <summary>Pixels scaled to [0, 1], [B x (Height * Width)].</summary>
    public required Matrix<T> Images { get; init; }

    /// <summary>[B]: the row of the data set that each image is, or -1 beyond the end of a pass that does not wrap.</summary>
    public required ArrayView<int> Rows { get; init; }

    /// <summary>[B]: labels, -100 where there is none; empty when not wanted.</summary>
    public ArrayView<int> Labels { get; init; }
}
