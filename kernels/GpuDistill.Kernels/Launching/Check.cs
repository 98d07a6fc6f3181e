using System.Runtime.CompilerServices;
using ILGPU;

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

    /// <summary>A limit, a scale or the like: finite and above 0.</summary>
    public static void Positive(float value, [CallerArgumentExpression(nameof(value))] string? name = null)
    {
        if (!(value > 0) || !float.IsFinite(value))
            throw new ArgumentOutOfRangeException(name, value, "The value must be a finite number above 0.");
    }

    /// <summary>A share of a whole, from 0 to 1.</summary>
    public static void Fraction(double value, [CallerArgumentExpression(nameof(value))] string? name = null)
    {
        if (!(value >= 0 && value <= 1))
            throw new ArgumentOutOfRangeException(name, value, "The value must be from 0 to 1.");
    }

    /// <summary>A rate of decay or of dropout: at least 0 and below 1.</summary>
    public static void BelowOne(double value, [CallerArgumentExpression(nameof(value))] string? name = null)
    {
        if (!(value >= 0 && value < 1))
            throw new ArgumentOutOfRangeException(name, value, "The value must be at least 0 and below 1.");
    }

    /// <summary>How many of so many elements: from none to all; null where it is not said.</summary>
    public static void Count(long? count, long all, [CallerArgumentExpression(nameof(count))] string? name = null)
    {
        if (count < 0 || count > all)
            throw new ArgumentOutOfRangeException(name, count, $"The number must be from 0 to {all}.");
    }

    public static void Length<T>(
        ArrayView<T> view, long length, string reason, [CallerArgumentExpression(nameof(view))] string? name = null)
        where T : unmanaged
    {
        if (view.Length != length)
            throw new ArgumentException($"{name} has {view.Length} elements; it must have {length}, {reason}.", name);
    }

    /// <summary>Two views that must share nothing.</summary>
    public static void Apart<TFirst, TSecond>(
        ArrayView<TFirst> first,
        ArrayView<TSecond> second,
        [CallerArgumentExpression(nameof(first))] string? firstName = null,
        [CallerArgumentExpression(nameof(second))] string? secondName = null)
        where TFirst : unmanaged
        where TSecond : unmanaged
    {
        if (BufferSpan.Of(first).Overlaps(BufferSpan.Of(second)))
            throw new ArgumentException($"{secondName} overlaps {firstName}; they must be apart.", secondName);
    }

    /// <summary>What is written must share nothing with what is read, nor with anything else that is written.</summary>
    public static void WritesApart(
        ReadOnlySpan<(string Name, BufferSpan Span)> written, ReadOnlySpan<(string Name, BufferSpan Span)> read)
    {
        for (int i = 0; i < written.Length; i++)
        {
            foreach ((string name, BufferSpan span) in (ReadOnlySpan<(string, BufferSpan)>)[.. written[(i + 1)..], .. read])
            {
                if (written[i].Span.Overlaps(span))
                    throw new ArgumentException($"{written[i].Name} overlaps {name}; they must be apart.", written[i].Name);
            }
        }
    }
}
