namespace GpuDistill.Kernels;

/// <summary>
/// Numbers in [0, 2) as 64-bit integers with 62 bits after the point, for host and device code alike. Integers give the same
/// bits on every device, which floats do not: a GPU's compiler may fuse a product and a sum, and its cosine is its own.
/// Double precision, the other way out, is missing on many OpenCL devices.
/// </summary>
internal static class Fraction62
{
    /// <summary>The number 1.</summary>
    public const ulong One = 1UL << 62;

    // The Taylor series of sin(x pi / 2) for x in [0, 1]: (pi/2)^(2k+1) / (2k+1)!; the first term left out is below 1e-13.
    private const ulong Sine1 = (ulong)(1.5707963267948966 * One);
    private const ulong Sine3 = (ulong)(0.64596409750624625 * One);
    private const ulong Sine5 = (ulong)(0.079692626246167045 * One);
    private const ulong Sine7 = (ulong)(0.0046817541353186881 * One);
    private const ulong Sine9 = (ulong)(1.6044118478735982e-4 * One);
    private const ulong Sine11 = (ulong)(3.5988432352120853e-6 * One);
    private const ulong Sine13 = (ulong)(5.6921729219679268e-8 * One);
    private const ulong Sine15 = (ulong)(6.6880351098114673e-10 * One);
    private const ulong Sine17 = (ulong)(6.0669357311062e-12 * One);

    /// <summary>The nearest fraction below a number in [0, 2); on the host.</summary>
    public static ulong Of(double value) => (ulong)(value * One);

    /// <summary>The nearest float.</summary>
    public static float ToSingle(ulong value) => (long)value * (1.0f / One);

    /// <summary>a * b, rounded down; the product must stay below 4.</summary>
    public static ulong Multiply(ulong a, ulong b)
    {
        ulong aLow = a & uint.MaxValue;
        ulong aHigh = a >> 32;
        ulong bLow = b & uint.MaxValue;
        ulong bHigh = b >> 32;
        ulong middle = (aHigh * bLow) + ((aLow * bLow) >> 32);
        ulong other = (aLow * bHigh) + (middle & uint.MaxValue);
        ulong high = (aHigh * bHigh) + (middle >> 32) + (other >> 32);
        return (high << 2) | ((other & uint.MaxValue) >> 30);
    }

    /// <summary>a / b, rounded down, for 0 &lt;= a &lt;= b and 0 &lt; b &lt; 2^31.</summary>
    public static ulong Divide(long a, long b)
    {
        ulong divisor = (ulong)b;
        ulong first = (ulong)a << 32;
        ulong high = first / divisor;
        ulong rest = first - (high * divisor);
        return (high << 30) + ((rest << 30) / divisor);
    }

    /// <summary>value^exponent for a value of at most 1 and an exponent of at least 0.</summary>
    public static ulong Power(ulong value, long exponent)
    {
        ulong result = One;
        for (long rest = exponent; rest > 0; rest >>= 1)
        {
            if ((rest & 1) != 0)
                result = Multiply(result, value);
            value = Multiply(value, value);
        }

        return result;
    }

    /// <summary>sin(x pi / 2) for x in [0, 1].</summary>
    public static ulong SineOfQuarterTurns(ulong x)
    {
        // Alternating signs and falling terms: every difference is positive.
        ulong square = Multiply(x, x);
        ulong sum = Sine15 - Multiply(square, Sine17);
        sum = Sine13 - Multiply(square, sum);
        sum = Sine11 - Multiply(square, sum);
        sum = Sine9 - Multiply(square, sum);
        sum = Sine7 - Multiply(square, sum);
        sum = Sine5 - Multiply(square, sum);
        sum = Sine3 - Multiply(square, sum);
        return Multiply(x, Sine1 - Multiply(square, sum));
    }
}
