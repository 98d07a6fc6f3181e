using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

/// <summary>Checks that all dense operations share.</summary>
internal static class DenseShapes
{
    public static void NotEmpty(Matrix<float> matrix, [CallerArgumentExpression(nameof(matrix))] string? name = null)
    {
        if (matrix.Rows == 0 || matrix.Columns == 0)
            throw new ArgumentException($"{name} is {matrix.Shape}; a dense layer needs at least one row and one column.", name);
    }

    public static void Defined(Activation activation, [CallerArgumentExpression(nameof(activation))] string? name = null)
    {
        if (!Enum.IsDefined(activation))
            throw new ArgumentOutOfRangeException(name, activation, "There is no such activation.");
    }
}
