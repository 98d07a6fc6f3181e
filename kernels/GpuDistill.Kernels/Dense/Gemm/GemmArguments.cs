using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Kernel arguments of a matrix product, result [Rows x Columns] = op(left) op(right) with Terms products per sum, and how
/// <see cref="GemmTile"/> cuts it or <see cref="CudaGemm"/> reads it.
/// </summary>
internal struct GemmArguments
{
    private const int QuadBytes = 16;

    public ArrayView<float> Left;
    public ArrayView<float> Right;
    public ArrayView<float> Result;
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
    public static GemmArguments Of(
        Matrix<float> left, bool transposeLeft, Matrix<float> right, bool transposeRight, Matrix<float> result) => new()
        {
            Left = left.Data,
            Right = right.Data,
            Result = result.Data,
            Rows = result.Rows,
            Columns = result.Columns,
            Terms = transposeLeft ? left.Rows : left.Columns,
            TransposeLeft = transposeLeft ? 1 : 0,
            TransposeRight = transposeRight ? 1 : 0,
            LeftQuads = HasWholeQuads(left) ? 1 : 0,
            RightQuads = HasWholeQuads(right) ? 1 : 0,
        };

    private static bool HasWholeQuads(Matrix<float> operand) =>
        operand.Columns % Quad.Length == 0 && BufferSpan.Of(operand.Data).Start % QuadBytes == 0;
}
