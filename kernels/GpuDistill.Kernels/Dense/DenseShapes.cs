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

    /// <summary>Whether matrices of this type are in bf16, and not in single precision; refuses all others.</summary>
    public static bool AreBFloat16<T>(string operation)
        where T : unmanaged
    {
        if (typeof(T) == typeof(BFloat16))
            return true;
        if (typeof(T) == typeof(float))
            return false;
        throw StorageType.NotSupported<T>(operation, "float and BFloat16");
    }

    public static void Defined(Activation activation, [CallerArgumentExpression(nameof(activation))] string? name = null)
    {
        if (!Enum.IsDefined(activation))
            throw new ArgumentOutOfRangeException(name, activation, "There is no such activation.");
    }
}
