namespace GpuDistill.Experiments;

/// <summary>The same measurement from several seeds.</summary>
/// <param name="Values">One value per seed, in the order of the seeds.</param>
internal sealed record Sample(IReadOnlyList<double> Values)
{
    public int Count => Values.Count;

    /// <summary>NaN where there are no values.</summary>
    public double Mean => Count > 0 ? Values.Average() : double.NaN;

    public double Minimum => Count > 0 ? Values.Min() : double.NaN;

    public double Maximum => Count > 0 ? Values.Max() : double.NaN;

    /// <summary>The standard deviation estimated for the population (divided by n - 1); NaN for fewer than two values.</summary>
    public double StandardDeviation
    {
        get
        {
            double mean = Mean;
            return Count > 1 ? Math.Sqrt(Values.Sum(value => (value - mean) * (value - mean)) / (Count - 1)) : double.NaN;
        }
    }

    /// <summary>Half the width of the mean's 95 % confidence interval by Student's t; NaN for fewer than two values.</summary>
    public double HalfWidth => Count > 1 ? StudentT.Quantile95(Count - 1) * StandardDeviation / Math.Sqrt(Count) : double.NaN;
}
