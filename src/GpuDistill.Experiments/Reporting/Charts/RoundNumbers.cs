namespace GpuDistill.Experiments;

/// <summary>Round numbers for ticks.</summary>
internal static class RoundNumbers
{
    /// <summary>About six numbers, 1, 2 or 5 times a power of ten apart, that span the values.</summary>
    public static IReadOnlyList<double> Linear(IReadOnlyCollection<double> values)
    {
        double low = values.Min();
        double high = values.Max();
        double span = high > low ? high - low : Math.Max(1, Math.Abs(high));
        double power = Math.Pow(10, Math.Floor(Math.Log10(span / 5)));
        double step = power * (span / 5 / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 };
        long first = (long)Math.Floor(low / step) - (low >= 0 && low < step ? 0 : 1); // none below 0 for what is not
        long count = (long)Math.Ceiling(high / step) + 1 - first;
        return [.. Enumerable.Range(0, (int)count + 1).Select(i => Math.Round((first + i) * step, 10))];
    }

    /// <summary>Powers of ten that span the values, and 2 and 5 times them where there are few.</summary>
    public static IReadOnlyList<double> Logarithmic(IReadOnlyCollection<double> values)
    {
        int first = (int)Math.Floor(Math.Log10(values.Min()));
        int last = (int)Math.Ceiling(Math.Log10(values.Max()));
        double[] steps = last - first > 2 ? [1] : [1, 2, 5];
        return [.. Enumerable.Range(first, last - first + 1).SelectMany(power => steps.Select(step => step * Math.Pow(10, power)))];
    }
}
