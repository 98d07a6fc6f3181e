namespace GpuDistill.Kernels;

public static partial class PrecisionCast
{
    /// <summary>
    /// The definition: of the numbers with <paramref name="digits"/> binary digits, an exponent of at least
    /// <paramref name="lowestExponent"/> and a magnitude of at most <paramref name="largest"/>, the one nearest to a value, ties to the
    /// even; infinity from half a unit beyond the largest on.
    /// </summary>
    internal static double Reference(double value, int digits, int lowestExponent, double largest)
    {
        if (!double.IsFinite(value) || value == 0)
            return value;
        int exponent = Math.Max(Math.ILogB(value), lowestExponent);
        double unit = Math.ScaleB(1, exponent - digits + 1);
        double rounded = Math.Round(value / unit, MidpointRounding.ToEven) * unit;
        return Math.Abs(rounded) > largest ? Math.CopySign(double.PositiveInfinity, value) : rounded;
    }
}
