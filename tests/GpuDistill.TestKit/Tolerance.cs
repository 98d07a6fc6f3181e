using System.Globalization;
using Xunit;

namespace GpuDistill.TestKit;

/// <summary>
/// How far a result may be from its double-precision reference: |actual - expected| at most Absolute + Relative * |expected|.
/// All tolerances stand in this one table; <paramref name="Reason"/> says where each comes from.
/// </summary>
public sealed record Tolerance(double Absolute, double Relative, string Reason)
{
    private const double Epsilon = 1.0 / (1 << 23);

    public static readonly Tolerance Softmax = new(
        2 * Epsilon, 40 * Epsilon, "exp within 2 ulp (ex2.approx on CUDA), its argument rounded once, a sum of C positive terms");

    public static readonly Tolerance LogSoftmax = new(
        8 * Epsilon, 8 * Epsilon, "one subtraction from a value that may be larger than the result");

    /// <summary>Compares element by element. NaN equals NaN only, an infinity only itself; anything else fails, with its place.</summary>
    public void Check(IReadOnlyList<double> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Count, actual.Length);
        for (int i = 0; i < actual.Length; i++)
            Check(expected[i], actual[i], $"{what}, element {i}");
    }

    public void Check(double expected, double actual, string what)
    {
        bool close = double.IsFinite(expected)
            ? Math.Abs(actual - expected) <= Absolute + (Relative * Math.Abs(expected)) // false for NaN
            : expected.Equals(actual);
        if (!close)
        {
            Assert.Fail(string.Create(
                CultureInfo.InvariantCulture, $"{what}: {actual:R} instead of {expected:R}; allowed {Absolute:R} + {Relative:R} * |expected|."));
        }
    }
}
