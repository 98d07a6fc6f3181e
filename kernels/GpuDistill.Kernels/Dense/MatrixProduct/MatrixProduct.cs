namespace GpuDistill.Kernels;

/// <summary>
/// The matrix product in single precision, effectively result = op(left) op(right), where op(X) is X or its transpose.
/// </summary>
/// <remarks>
/// Each element is one chain of additions in the order of the terms (two or four chains, added in order, in the smaller tiles of the
/// CUDA variant), so the error is at most terms * 2^-24 times the sum of the terms' absolute values, and the number of threads
/// changes nothing. <see cref="MatrixPrecision.Tf32"/> has an error of its own beside that.
/// </remarks>
public static partial class MatrixProduct
{
    private static readonly VariantTable<GemmArguments> Variants = new(nameof(MatrixProduct), BindPortable, BindCpu, BindCuda, CudaGemmLaunch.Runs);

    /// <summary>Binds the operation to its buffers.</summary>
    /// <param name="context">The device.</param>
    /// <param name="left">op(left) is [N x K].</param>
    /// <param name="right">op(right) is [K x M].</param>
    /// <param name="result">The product, [N x M]; overwritten.</param>
    /// <param name="transposeLeft">True if <paramref name="left"/> is [K x N] and its transpose is meant.</param>
    /// <param name="transposeRight">True if <paramref name="right"/> is [M x K] and its transpose is meant.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, one is empty, or the result overlaps an operand.</exception>
    public static Launch Bind(
        KernelContext context,
        Matrix<float> left,
        Matrix<float> right,
        Matrix<float> result,
        bool transposeLeft = false,
        bool transposeRight = false,
        KernelVariant variant = KernelVariant.Auto)
    {
        ArgumentNullException.ThrowIfNull(context);
        DenseShapes.NotEmpty(left);
        DenseShapes.NotEmpty(right);
        int terms = transposeLeft ? left.Rows : left.Columns;
        int rows = transposeLeft ? left.Columns : left.Rows;
        int columns = transposeRight ? right.Rows : right.Columns;
        Check.Shape(
            right,
            transposeRight ? columns : terms,
            transposeRight ? terms : columns,
            $"to follow a left operand of {left.Shape}{(transposeLeft ? " transposed" : "")}");
        Check.Shape(result, rows, columns, "the product of the operands");
        Check.Apart(left.Data, result.Data);
        Check.Apart(right.Data, result.Data);
        return Variants.Bind(context, GemmArguments.Of(left, transposeLeft, right, transposeRight, result), variant);
    }
}
