using System.Globalization;

namespace GpuDistill.Experiments;

/// <summary>Numbers as the report writes them, the same in every culture.</summary>
internal static class Numbers
{
    public static string Count(double value) => double.IsNaN(value) ? "–" : value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A number with few digits: 74, 74.3, 0.123, 4.1e-05.</summary>
    public static string Short(double value) => double.IsNaN(value) ? "–" : Math.Abs(value) switch
    {
        0 => "0",
        >= 1000 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("0.#", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("0.##", CultureInfo.InvariantCulture),
        >= 0.001 => value.ToString("0.####", CultureInfo.InvariantCulture),
        _ => value.ToString("0.0e+00", CultureInfo.InvariantCulture),
    };

    public static string Decimal(double value, int decimals = 1) =>
        double.IsNaN(value) ? "–" : value.ToString($"N{decimals}", CultureInfo.InvariantCulture);

    public static string Percent(double share, int decimals = 2) =>
        double.IsNaN(share) ? "–" : (100 * share).ToString($"F{decimals}", CultureInfo.InvariantCulture) + " %";

    /// <summary>Mean and half the confidence interval: 74.3 ± 5.1; the mean alone for one seed.</summary>
    public static string MeanAndHalfWidth(Sample sample, int decimals = 1) =>
        double.IsNaN(sample.HalfWidth) ? Decimal(sample.Mean, decimals) : $"{Decimal(sample.Mean, decimals)} ± {Decimal(sample.HalfWidth, decimals)}";

    /// <summary>The same of shares, in percent.</summary>
    public static string PercentAndHalfWidth(Sample sample, int decimals = 2) =>
        MeanAndHalfWidth(new Sample([.. sample.Values.Select(value => 100 * value)]), decimals) + " %";

    public static string Probability(double p) =>
        p < 0.0001 ? "p < 0.0001" : $"p = {p.ToString(p < 0.01 ? "0.0000" : "0.000", CultureInfo.InvariantCulture)}";

    public static string Duration(TimeSpan time) =>
        time.TotalSeconds < 100 ? $"{time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s"
        : $"{(int)time.TotalMinutes} min {time.Seconds:00} s";
}
