using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

/// <summary>Checks of arguments, made once when a launch is bound. A kernel itself checks nothing.</summary>
internal static class Check
{
    public static void Temperature(float temperature, [CallerArgumentExpression(nameof(temperature))] string? name = null)
    {
        if (!(temperature > 0) || !float.IsFinite(temperature) || !float.IsFinite(1 / temperature))
            throw new ArgumentOutOfRangeException(name, temperature, "The temperature must be a finite number above 0.");
    }

    /// <summary>A weight, rate or the like: finite and not negative.</summary>
    public static void NotNegative(float value, [CallerArgumentExpression(nameof(value))] string? name = null)
    {
        if (!(value >= 0) || !float.IsFinite(value))
            throw new ArgumentOutOfRangeException(name, value, "The value must be a finite number of at least 0.");
    }

    public static void SameShape<T>(
        Matrix<T> first,
        Matrix<T> second,
        [CallerArgumentExpression(nameof(first))] string? firstName = null,
        [CallerArgumentExpression(nameof(second))] string? secondName = null)
        where T : unmanaged =>
        Shape(second, first.Rows, first.Columns, $"as {firstName}", secondName);

    public static void Shape<T>(
        Matrix<T> matrix, int rows, int columns, string reason, [CallerArgumentExpression(nameof(matrix))] string? name = null)
        where T : unmanaged
    {
        if (matrix.Rows != rows || matrix.Columns != columns)
            throw new ArgumentException($"{name} is {matrix.Shape}; it must be [{rows} x {columns}], {reason}.", name);
    }

    /// <summary>Two matrices may be one and the same (work in place) or share nothing; a partial overlap would be garbage.</summary>
    public static void SameOrApart<T>(
        Matrix<T> first,
        Matrix<T> second,
        [CallerArgumentExpression(nameof(first))] string? firstName = null,
        [CallerArgumentExpression(nameof(second))] string? secondName = null)
        where T : unmanaged
    {
        if (!first.IsSame(second) && BufferSpan.Of(first.Data).Overlaps(BufferSpan.Of(second.Data)))
            throw new ArgumentException($"{secondName} overlaps {firstName} without being the same.", secondName);
    }
}
