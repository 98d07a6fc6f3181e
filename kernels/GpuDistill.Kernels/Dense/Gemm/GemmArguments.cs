using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Kernel arguments of a matrix product, op(left) op(right) [Rows x Columns] with Terms products per sum, and how
/// <see cref="GemmTile"/> cuts it or <see cref="CudaGemm"/> reads it.
/// </summary>
internal struct GemmArguments<T>
    where T : unmanaged
{
    private const int QuadBytes = 16;

    public ArrayView<T> Left;
    public ArrayView<T> Right;
    public int Rows;
    public int Columns;
    public int Terms;
    public int TransposeLeft;
    public int TransposeRight;

    /// <summary>Threads of a group along the columns of its tile.</summary>
    public int ThreadColumns;

    /// <summary>Terms of the operands that a group holds in shared memory at a time.</summary>
    public int TileTerms;

    /// <summary>Whether the CUDA kernel reads the operand 16 bytes at a time: all its rows in memory begin at a multiple of that.</summary>
    public int LeftQuads;
    public int RightQuads;

    /// <summary>Describes op(left) op(right); the shapes have been checked.</summary>
    public static GemmArguments<T> Of(Matrix<T> left, bool transposeLeft, Matrix<T> right, bool transposeRight) => new()
    {
        Left = left.Data,
        Right = right.Data,
        Rows = transposeLeft ? left.Columns : left.Rows,
        Columns = transposeRight ? right.Rows : right.Columns,
        Terms = transposeLeft ? left.Rows : left.Columns,
        TransposeLeft = transposeLeft ? 1 : 0,
        TransposeRight = transposeRight ? 1 : 0,
        LeftQuads = HasWholeQuads(left) ? 1 : 0,
        RightQuads = HasWholeQuads(right) ? 1 : 0,
    };

    /// <summary>The same product of other operands of the same shapes.</summary>
    public readonly GemmArguments<TOther> With<TOther>(ArrayView<TOther> left, ArrayView<TOther> right)
        where TOther : unmanaged =>
        GemmArguments<TOther>.Of(
            TransposeLeft != 0 ? new(left, Terms, Rows) : new(left, Rows, Terms),
            TransposeLeft != 0,
            TransposeRight != 0 ? new(right, Columns, Terms) : new(right, Terms, Columns),
            TransposeRight != 0);

    private static bool HasWholeQuads(Matrix<T> operand) =>
        operand.Columns * Interop.SizeOf<T>() % QuadBytes == 0 && BufferSpan.Of(operand.Data).Start % QuadBytes == 0;
}
