namespace GpuDistill.Experiments;

/// <summary>Student's t distribution, for the few degrees of freedom that a handful of seeds leaves.</summary>
internal static class StudentT
{
    /// <summary>The probability of a value at least as far from 0 as <paramref name="t"/>, in either direction.</summary>
    /// <param name="t">The value.</param>
    /// <param name="freedom">Degrees of freedom, at least 1.</param>
    public static double TwoSided(double t, double freedom) =>
        double.IsInfinity(t) ? 0 : IncompleteBeta(freedom / (freedom + (t * t)), freedom / 2, 0.5);

    /// <summary>The value that is exceeded in absolute size with probability 0.05: half of a 95 % confidence interval in standard errors.</summary>
    public static double Quantile95(int freedom)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(freedom);
        double low = 0;
        double high = 16; // 12.706 at one degree of freedom is the largest
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = TwoSided(middle, freedom) > 0.05 ? (middle, high) : (low, middle);
        }

        return (low + high) / 2;
    }

    // The regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8), evaluated as Lentz does.
    private static double IncompleteBeta(double x, double a, double b)
    {
        if (x <= 0 || x >= 1)
            return x <= 0 ? 0 : 1;
        if (x > (a + 1) / (a + b + 2))
            return 1 - IncompleteBeta(1 - x, b, a); // where the fraction converges fast
        double front = Math.Exp((a * Math.Log(x)) + (b * Math.Log(1 - x)) + LogGamma(a + b) - LogGamma(a) - LogGamma(b)) / a;
        double c = 1;
        double d = 1 / (1 - ((a + b) * x / (a + 1)));
        double fraction = d;
        for (int m = 1; m <= 300; m++)
        {
            double even = m * (b - m) * x / ((a + (2 * m) - 1) * (a + (2 * m)));
            double odd = -(a + m) * (a + b + m) * x / ((a + (2 * m)) * (a + (2 * m) + 1));
            d = 1 / (1 + (even * d));
            c = 1 + (even / c);
            fraction *= c * d;
            d = 1 / (1 + (odd * d));
            c = 1 + (odd / c);
            fraction *= c * d;
            if (Math.Abs((c * d) - 1) < 1e-15)
                break;
        }

        return front * fraction;
    }

    // Stirling's series, after moving the argument to where it converges.
    private static double LogGamma(double x)
    {
        double shift = 0;
        for (; x < 12; x++)
            shift -= Math.Log(x);
        double r = 1 / (x * x);
        double series = (1 / 12d) - (r * ((1 / 360d) - (r * ((1 / 1260d) - (r / 1680)))));
        return shift + ((x - 0.5) * Math.Log(x)) - x + (0.5 * Math.Log(2 * Math.PI)) + (series / x);
    }
}
