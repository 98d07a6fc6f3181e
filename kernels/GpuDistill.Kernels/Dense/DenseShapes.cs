using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

/// <summary>Checks that all dense operations share.</summary>
internal static class DenseShapes
{
    public static void NotEmpty<T>(Matrix<T> matrix, [CallerArgumentExpression(nameof(matrix))] string? name = null)
        where T : unmanaged
    {
        if (matrix.Rows == 0 || matrix.Columns == 0)
            throw new ArgumentException($"{name} is {matrix.Shape}; a dense layer needs at least one row and one column.", name);
    }

    /// <summary>
    /// Whether the operands of a product are in bf16, and not in single precision; refuses all others, and single precision where the
    /// context is one of products in bf16.
    /// </summary>
    public static bool AreBFloat16<T>(KernelContext context, string operation)
        where T : unmanaged
    {
        bool areBFloat16 = StorageType.IsBFloat16<T>(operation);
        if (!areBFloat16 && context.Precision == MatrixPrecision.BFloat16)
            throw new NotSupportedException($"{operation} got matrices in single precision, and the precision chosen for products is {nameof(MatrixPrecision.BFloat16)}.");
        return areBFloat16;
    }

    public static void Defined(Activation activation, [CallerArgumentExpression(nameof(activation))] string? name = null)
    {
        if (!Enum.IsDefined(activation))
            throw new ArgumentOutOfRangeException(name, activation, "There is no such activation.");
    }
}
