namespace GpuDistill.Experiments;

/// <summary>
/// The difference between two settings that were run with the same seeds, tested seed by seed with Student's paired t test:
/// what a seed's weights and order do to both cancels.
/// </summary>
internal sealed record PairedDifference
{
    /// <summary>The differences first - second.</summary>
    /// <exception cref="ArgumentException">The samples do not pair.</exception>
    public PairedDifference(Sample first, Sample second)
    {
        if (first.Count != second.Count)
            throw new ArgumentException($"{first.Count} values do not pair with {second.Count}.", nameof(second));
        Differences = new Sample([.. first.Values.Zip(second.Values, (a, b) => a - b)]);
    }

    public Sample Differences { get; }

    public double Mean => Differences.Mean;

    /// <summary>
    /// The probability of a mean difference at least this large if there were none; NaN for fewer than two seeds.
    /// </summary>
    public double P => Differences.Count < 2 ? double.NaN
        : Differences.StandardDeviation == 0 ? (Mean == 0 ? 1 : 0)
        : StudentT.TwoSided(Mean / (Differences.StandardDeviation / Math.Sqrt(Differences.Count)), Differences.Count - 1);

    /// <summary>Whether it is unlikely to be chance at the level of 5 %, shared among <paramref name="tests"/> tests (Bonferroni).</summary>
    public bool IsReal(int tests = 1) => P < 0.05 / tests;

    /// <summary>How many errors the second setting saves, in words: 20.7 ± 3.1 fewer errors.</summary>
    public string FewerErrors =>
        $"{Numbers.MeanAndHalfWidth(new Sample([.. Differences.Values.Select(value => Mean < 0 ? -value : value)]))} {(Mean < 0 ? "more" : "fewer")} errors";

    /// <summary>The verdict in words.</summary>
    public string Verdict(int tests = 1) =>
        double.IsNaN(P) ? "one seed tells nothing about chance"
        : IsReal(tests) ? $"a real difference ({Numbers.Probability(P)})"
        : $"not distinguishable from chance ({Numbers.Probability(P)})";
}
