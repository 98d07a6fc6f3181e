namespace GpuDistill.Benchmarks.Running;

/// <summary>One case of a benchmark: its sizes, and the work that follows from them alone.</summary>
/// <param name="Rows">Rows of the batch, or the length of a vector.</param>
/// <param name="Columns">Columns, or 1.</param>
public sealed record Workload(int Rows, int Columns = 1)
{
    /// <summary>The inner dimension of a matrix product.</summary>
    public int Inner { get; init; }

    /// <summary>What tells it from other cases of the same sizes.</summary>
    public string Mode { get; init; } = "";

    /// <summary>Bytes that a launch must move between memory and processor, each buffer counted once; 0 where arithmetic rules.</summary>
    public long Bytes { get; init; }

    /// <summary>Floating-point operations of a launch; 0 where memory rules.</summary>
    public double Operations { get; init; }

    /// <summary>Rows times columns.</summary>
    public int Length => Rows * Columns;

    /// <summary>A streaming case that moves so many bytes per element.</summary>
    public static Workload Streaming(int rows, int columns, int bytesPerElement, string mode = "") =>
        new(rows, columns) { Mode = mode, Bytes = (long)rows * columns * bytesPerElement };

    /// <summary>A product [rows x inner] by [inner x columns].</summary>
    public static Workload Product(int rows, int inner, int columns) =>
        new(rows, columns) { Inner = inner, Operations = 2.0 * rows * inner * columns };

    /// <inheritdoc/>
    public override string ToString()
    {
        string sizes = Inner > 0 ? $"{Rows} x {Inner} x {Columns}" : Columns > 1 ? $"{Rows} x {Columns}" : $"{Rows}";
        return Mode.Length > 0 ? $"{sizes} {Mode}" : sizes;
    }
}
