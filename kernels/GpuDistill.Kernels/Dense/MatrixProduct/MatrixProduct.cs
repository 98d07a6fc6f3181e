using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// The matrix product, effectively result = op(left) op(right), where op(X) is X or its transpose, of matrices in single precision or
/// bf16, summed in single precision.
/// </summary>
/// <remarks>
/// Each element is one chain of additions in the order of the terms (two or four chains, added in order, in the smaller tiles of the
/// CUDA variant), so the error is at most terms * 2^-24 times the sum of the terms' absolute values, and the number of threads
/// changes nothing. <see cref="MatrixPrecision.Tf32"/> has an error of its own beside that. Products of bf16 numbers are exact in single
/// precision; tensor cores, which multiply them on CUDA, add 16 at a time in an order of their own; the result is rounded once.
/// </remarks>
public static partial class MatrixProduct
{
    private static readonly VariantTable<Arguments<float>> Variants =
        new(nameof(MatrixProduct), BindPortable, BindCpu, BindCuda, CudaGemmLaunch.Runs);

    private static readonly VariantTable<Arguments<ushort>> BFloat16Variants = new(
        nameof(MatrixProduct),
        (context, a) => BindWidened(context, a, KernelVariant.Portable),
        BindWidened,
        BindCudaBFloat16,
        CudaGemmLaunch.Runs);

    /// <summary>Binds the operation to its buffers.</summary>
    /// <typeparam name="T"><see cref="float"/> or <see cref="BFloat16"/>.</typeparam>
    /// <param name="context">The device.</param>
    /// <param name="left">op(left) is [N x K].</param>
    /// <param name="right">op(right) is [K x M].</param>
    /// <param name="result">The product, [N x M]; overwritten.</param>
    /// <param name="transposeLeft">True if <paramref name="left"/> is [K x N] and its transpose is meant.</param>
    /// <param name="transposeRight">True if <paramref name="right"/> is [M x K] and its transpose is meant.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, one is empty, or the result overlaps an operand.</exception>
    /// <exception cref="NotSupportedException">
    /// There are no kernels for <typeparamref name="T"/>, the context is one of products in bf16 alone, or the variant cannot run.
    /// </exception>
    public static Launch Bind<T>(
        KernelContext context,
        Matrix<T> left,
        Matrix<T> right,
        Matrix<T> result,
        bool transposeLeft = false,
        bool transposeRight = false,
        KernelVariant variant = KernelVariant.Auto)
        where T : unmanaged
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
        return DenseShapes.AreBFloat16<T>(context, nameof(MatrixProduct))
            ? BFloat16Variants.Bind(
                context, Of(StorageType.Bits(left), transposeLeft, StorageType.Bits(right), transposeRight, StorageType.Bits(result)), variant)
            : Variants.Bind(
                context, Of(StorageType.Floats(left), transposeLeft, StorageType.Floats(right), transposeRight, StorageType.Floats(result)), variant);
    }

    private static Arguments<T> Of<T>(Matrix<T> left, bool transposeLeft, Matrix<T> right, bool transposeRight, Matrix<T> result)
        where T : unmanaged => new()
        {
            Product = GemmArguments<T>.Of(left, transposeLeft, right, transposeRight),
            Result = result.Data,
        };

    // Where there are no tensor cores: the product in single precision, over copies.
    private static Launch BindWidened(KernelContext context, Arguments<ushort> a, KernelVariant variant) =>
        WidenedBuffers.Around(context, variant, buffers =>
        {
            Arguments<float> wide = new()
            {
                Product = a.Product.With(buffers.Read(a.Product.Left), buffers.Read(a.Product.Right)),
                Result = buffers.Write(a.Result),
            };
            return Variants.Bind(context, wide, variant);
        });

    internal struct Arguments<T>
        where T : unmanaged
    {
        public GemmArguments<T> Product;
        public ArrayView<T> Result;
    }
}
