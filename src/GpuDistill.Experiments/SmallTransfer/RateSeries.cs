namespace GpuDistill.Experiments;

/// <summary>Students of one transfer set and one kind of targets, over learning rates.</summary>
internal sealed class RateSeries
{
    private readonly Dictionary<float, TrainingRun[]> _runs;

    public RateSeries(Setup setup, (double Share, int Epochs) size, bool soft)
    {
        SmallTransferRecipe recipe = setup.Recipe.SmallTransfer;
        (Share, Soft) = (size.Share, soft);
        TransferSet transferSet = TransferSet.First(size.Share);
        Images = transferSet.Rows!(setup.Train).Count;
        string targets = soft ? "soft" : "hard";
        _runs = recipe.Rates.ToDictionary(rate => rate, rate => setup.AllSeeds.Select(seed => setup.Training(
            FormattableString.Invariant($"small-{100 * size.Share}percent-{targets}-rate{rate}"),
            FormattableString.Invariant($"{targets} targets, {100 * size.Share} % of the labels, rate {rate}"),
            seed,
            recipe.Student with { Training = recipe.Student.Training with { Epochs = size.Epochs, LearningRate = rate } },
            soft ? setup.SoftAlone(seed, recipe.Temperature) : new HardTargets(),
            transferSet, validates: true, mayDiverge: true)).ToArray());
    }

    public double Share { get; }

    public bool Soft { get; }

    /// <summary>Images of the transfer set.</summary>
    public int Images { get; }

    public IEnumerable<Run> Runs => _runs.Values.SelectMany(runs => runs);

    /// <summary>Validation errors at the rates at which no seed diverged.</summary>
    public IEnumerable<(float Rate, Sample Errors)> Validation(Results results) =>
        from entry in _runs
        where !entry.Value.Any(results.Diverged)
        select (entry.Key, results.Sample(entry.Value, Measure.ValidationErrors));

    /// <summary>The rate with the fewest validation errors.</summary>
    public float BestRate(Results results) => Validation(results).MinBy(entry => entry.Errors.Mean).Rate;

    /// <summary>
    /// The highest rate that is stable: no seed diverges, and none has more than one and a half times the validation errors of the best rate.
    /// </summary>
    public float HighestStableRate(Results results)
    {
        double best = Validation(results).Min(entry => entry.Errors.Mean);
        return Validation(results).Where(entry => entry.Errors.Maximum <= 1.5 * best).Select(entry => entry.Rate).DefaultIfEmpty(BestRate(results)).Max();
    }

    /// <summary>Errors on the test images at the best rate.</summary>
    public Sample TestErrors(Results results) => results.Sample(_runs[BestRate(results)]);
}
