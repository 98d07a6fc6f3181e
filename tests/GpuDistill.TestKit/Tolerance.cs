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

    public static readonly Tolerance ScaledPixel = new(0, Epsilon, "one product with a factor that was rounded once");

    public static readonly Tolerance TeacherMean = new(
        8 * Epsilon, 4 * Epsilon, "in units of the largest |logit| and T log(M C): one rounding of the shift, one of each of M sums");

    public static readonly Tolerance LearningRate = new(
        1e-15, 1.5 * Epsilon, "a fraction rounded to fp32 and one product; near 0 the reference's own 1 + cos loses its digits");

    public static readonly Tolerance Optimizer = new(
        4 * Epsilon, 40 * Epsilon, "five steps of at most a dozen roundings each; parameters and steps of order 1 may cancel");

    public static readonly Tolerance MaxNorm = new(
        0, 16 * Epsilon, "a sum of up to 300 positive squares, four at a time or as a tree, a root, a quotient and a product");

    public static readonly Tolerance RowLoss = new(
        0, 16 * Epsilon, "a logarithm less a mean of logits, both rounded at the size of the loss; the size is given where it is not the value");

    public static readonly Tolerance LossGradient = new(
        0, 40 * Epsilon, "differences of probabilities with the error of Softmax; relative to the size of what is subtracted");

    public static readonly Tolerance Divergence = new(
        0, 400 * Epsilon, "half the variance of d over p; d's square stands where the variance is meant, and is a few times larger, with the errors of C terms");

    public static readonly Tolerance Activation = new(
        2 * Epsilon, 30 * Epsilon, "GELU and tanh within 5e-7 relative near 0 and where they are large; in GELU's tail the rounding of a^2/2 shows");

    public static readonly Tolerance ActivationDerivative = new(
        8 * Epsilon, 30 * Epsilon, "1 - y^2 from a rounded and rescaled y; Phi(a) + a phi(a) cancels about its zero at -0.75");

    /// <summary>
    /// A sum of products in any order: each of the roundings, at most one per term, is at most half an ulp of a partial sum, which
    /// is at most the sum of the terms' absolute values, <paramref name="magnitude"/> (Higham 2002, section 3.1).
    /// </summary>
    public static Tolerance DotProduct(int terms, double magnitude) =>
        new((terms + 1) * (Epsilon / 2) * magnitude, 0, "one rounding per term, relative to the sum of absolute values");

    /// <summary>
    /// The same with operands rounded to TF32, whose 11 significant bits make an error of at most 2^-11 in each of two factors. Tensor
    /// cores cut off sums instead of rounding them, which is up to an ulp each.
    /// </summary>
    public static Tolerance Tf32Product(int terms, double magnitude) =>
        new(((1.0 / (1 << 10)) + (1.0 / (1 << 22)) + ((terms + 1) * Epsilon)) * magnitude, 0, "two roundings to 11 bits and one per term");

    /// <summary>
    /// Products of bf16 numbers are exact; tensor cores cut off sums, up to an ulp each; the result is rounded to 8 bits where
    /// <paramref name="rounded"/>.
    /// </summary>
    public static Tolerance BFloat16Product(int terms, double magnitude, bool rounded = true) => new(
        ((terms + 1) * Epsilon * magnitude) + (rounded ? Math.ScaleB(1, -134) : 0),
        rounded ? 1.01 / (1 << 8) : 0,
        "an ulp per term, and one rounding to 8 bits");

    public static readonly Tolerance LogitDifference = new(
        8 * Epsilon, 4 * Epsilon, "in units of the largest |logit|: one rounding each of z - v, its mean and the difference of both");

    public static readonly Tolerance SquaredDifference = new(
        32 * Epsilon, 32 * Epsilon, "in units of the largest |logit| squared: twice the difference's error, a sum of C positive terms");

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

    /// <summary>Compares one value whose error is relative to <paramref name="magnitude"/>: that of the terms it is the difference of.</summary>
    public void Check(double expected, double actual, double magnitude, string what)
    {
        if (!(Math.Abs(actual - expected) <= Absolute + (Relative * Math.Abs(magnitude)))) // false for NaN
        {
            Assert.Fail(string.Create(
                CultureInfo.InvariantCulture, $"{what}: {actual:R} instead of {expected:R}; allowed {Absolute:R} + {Relative:R} * {magnitude:R}."));
        }
    }
}
