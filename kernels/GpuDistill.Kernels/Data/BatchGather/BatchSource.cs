using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>A data set on the device.</summary>
public readonly record struct BatchSource
{
    /// <summary>Images as bytes, [M x Height x Width].</summary>
    public required ArrayView<byte> Pixels { get; init; }

    /// <summary>Rows of an image.</summary>
    public required int Height { get; init; }

    /// <summary>Columns of an image.</summary>
    public required int Width { get; init; }

    /// <summary>[M]: labels; empty for none.</summary>
    public ArrayView<int> Labels { get; init; }

    /// <summary>The row numbers that take part, each below M; empty for all.</summary>
    public ArrayView<int> Subset { get; init; }
}
