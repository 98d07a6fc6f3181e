using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A dense row-major matrix over a device buffer: element (r, c) stands at <c>Data[r * Columns + c]</c>. A host-side
/// description; nothing is copied.
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
public readonly record struct Matrix<T>
    where T : unmanaged
{
    /// <summary>Describes the first <paramref name="rows"/> * <paramref name="columns"/> elements of a view.</summary>
    /// <exception cref="ArgumentException">The view is too short.</exception>
    public Matrix(ArrayView<T> data, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        long length = (long)rows * columns;
        if (data.Length < length)
            throw new ArgumentException($"A {rows} x {columns} matrix needs {length} elements; the view has {data.Length}.", nameof(data));
        Data = data.SubView(0, length);
        Rows = rows;
        Columns = columns;
    }

    /// <summary>The elements, exactly <see cref="Rows"/> * <see cref="Columns"/> of them.</summary>
    public ArrayView<T> Data { get; }

    /// <summary>The number of rows.</summary>
    public int Rows { get; }

    /// <summary>The number of columns, which is also the distance between two rows.</summary>
    public int Columns { get; }

    /// <summary>The first <paramref name="rows"/> rows.</summary>
    public Matrix<T> Top(int rows) => new(Data, rows, Columns);

    /// <summary>Whether the two lie over the very same elements: an operation that allows it then works in place.</summary>
    internal bool IsSame(Matrix<T> other) =>
        Data.Length == other.Data.Length && BufferSpan.Of(Data) == BufferSpan.Of(other.Data);

    /// <summary>Shape for messages: rows x columns.</summary>
    internal string Shape => $"[{Rows} x {Columns}]";

    /// <inheritdoc/>
    public override string ToString() => $"{typeof(T).Name}{Shape}";
}
