using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

/// <summary>
/// Section 2: labels beside soft targets as an objective of their own with a low weight, against labels that modify the soft targets;
/// and the factor T^2 that keeps the two objectives' balance when T changes.
/// </summary>
internal sealed class LabelsExperiment : Experiment
{
    private readonly Setup _setup;
    private readonly LabelsRecipe _recipe;
    private readonly TrainingRun[] _softAlone;
    private readonly Dictionary<float, TrainingRun[]> _weighted;
    private readonly Dictionary<float, TrainingRun[]> _blended;
    private readonly Dictionary<float, TrainingRun[]> _scaled;
    private readonly Dictionary<float, TrainingRun[]> _unscaled;
    private readonly GradientBalanceRun[] _balance;

    public LabelsExperiment(Setup setup)
    {
        _setup = setup;
        _recipe = setup.Recipe.Labels;
        DistillationOptions soft = new() { Temperature = _recipe.Temperature, SoftWeight = 1, HardWeight = 0 };
        float weight = _recipe.ScalingHardWeight;
        _softAlone = Students(soft);
        _weighted = _recipe.HardWeights.ToDictionary(w => w, w => Students(soft with { SoftWeight = 1 - w, HardWeight = w }));
        _blended = _recipe.LabelBlends.ToDictionary(w => w, w => Students(soft with { LabelBlend = w }));
        DistillationOptions both = soft with { SoftWeight = 1 - weight, HardWeight = weight };
        _scaled = _recipe.ScalingTemperatures.ToDictionary(t => t, t => Students(both with { Temperature = t }));
        _unscaled = _recipe.ScalingTemperatures.ToDictionary(
            t => t, t => Students(both with { Temperature = t, ScaleByTemperatureSquared = t == 1 })); // at T = 1 it is the same training
        _balance = [.. setup.AllSeeds.Select(seed => new GradientBalanceRun
        {
            Key = setup.Key("gradient-balance", seed),
            Title = $"balance of gradients, seed {seed}",
            Teacher = setup.Teacher(seed),
            Student = _recipe.Student,
            Seed = (ulong)seed,
            Temperatures = _recipe.ScalingTemperatures,
            Cases = 2000,
        })];
    }

    public override IEnumerable<Run> Runs =>
    [
        .. _setup.AllSeeds.Select(_setup.Teacher), .. _balance, .. _softAlone,
        .. new[] { _weighted, _blended, _scaled, _unscaled }.SelectMany(series => series.Values).SelectMany(runs => runs),
    ];

    public override IEnumerable<Block> Report(Results results)
    {
        (float bestWeight, TrainingRun[] weighted) = Best(results, _weighted);
        (float bestBlend, TrainingRun[] blended) = Best(results, _blended);
        PairedDifference weightedGain = new(results.Sample(_softAlone), results.Sample(weighted));
        PairedDifference blendedGain = new(results.Sample(_softAlone), results.Sample(blended));
        PairedDifference better = new(results.Sample(blended), results.Sample(weighted));
        float highest = _recipe.ScalingTemperatures[^1];
        PairedDifference scaling = new(results.Sample(_unscaled[highest]), results.Sample(_scaled[highest]));
        (double scaledFactor, double unscaledFactor) = (Range(results, scaled: true), Range(results, scaled: false));
        yield return new Paragraph(
            $"Students {_recipe.Student.Shape} learn from soft targets at T = {Numbers.Short(_recipe.Temperature)} and from labels: as the weighted sum of two objectives, or as one objective whose "
            + "soft target is a blend with the label. The best weight of each is the one with the fewest errors on held-out training images.");
        yield return new Findings(
        [
            new($"A weighted sum with {Numbers.Short(bestWeight)} on the labels makes {weightedGain.FewerErrors} than soft targets alone: {weightedGain.Verdict(3)}."),
            new($"Soft targets with {Numbers.Short(bestBlend)} of the label make {blendedGain.FewerErrors} than soft targets alone: {blendedGain.Verdict(3)}."),
            new($"The weighted sum makes {better.FewerErrors} than modified soft targets: {better.Verdict(3)}."),
            new(
                $"With T² the soft objective’s share of the gradient changes by a factor of {Numbers.Short(scaledFactor)} over T from {Numbers.Short(_recipe.ScalingTemperatures[0])} to {Numbers.Short(highest)}, without it by {Numbers.Short(unscaledFactor)}.",
                scaledFactor < unscaledFactor),
            new($"At T = {Numbers.Short(highest)} a student makes {scaling.FewerErrors} with T² than without: {scaling.Verdict()}."),
        ]);
        yield return WeightChart(results);
        yield return new ResultTable(
            "Test errors over the weight of the labels",
            ["Weight", "Weighted sum", "Modified targets"],
            [
                ["0 (soft targets alone)", Numbers.MeanAndHalfWidth(results.Sample(_softAlone)), Numbers.MeanAndHalfWidth(results.Sample(_softAlone))],
                .. _recipe.HardWeights.Select(w => (IReadOnlyList<string>)[
                    Numbers.Short(w),
                    Numbers.MeanAndHalfWidth(results.Sample(_weighted[w])),
                    _blended.TryGetValue(w, out TrainingRun[]? runs) ? Numbers.MeanAndHalfWidth(results.Sample(runs)) : "–"]),
            ]);
        yield return BalanceChart(results);
        yield return new ResultTable(
            $"With and without T², at a weight of {Numbers.Short(_recipe.ScalingHardWeight)} for the labels; soft / hard is the ratio of gradient lengths, unweighted",
            ["T", "Errors with T²", "Errors without", "Soft / hard with T²", "Without"],
            [.. _recipe.ScalingTemperatures.Select(t => (IReadOnlyList<string>)[
                Numbers.Short(t),
                Numbers.MeanAndHalfWidth(results.Sample(_scaled[t])),
                Numbers.MeanAndHalfWidth(results.Sample(_unscaled[t])),
                Numbers.Short(Balance(results, t, scaled: true).Mean),
                Numbers.Short(Balance(results, t, scaled: false).Mean)])]);
    }

    // The key holds all that varies, so that equal students of two series are one.
    private TrainingRun[] Students(DistillationOptions options) => [.. _setup.AllSeeds.Select(seed => _setup.Training(
        FormattableString.Invariant($"labels-t{options.Temperature}-soft{options.SoftWeight}-hard{options.HardWeight}-blend{options.LabelBlend}{(options.ScaleByTemperatureSquared ? "" : "-unscaled")}"),
        FormattableString.Invariant($"student at T = {options.Temperature}, weights {options.SoftWeight} and {options.HardWeight}, blend {options.LabelBlend}{(options.ScaleByTemperatureSquared ? "" : ", without T²")}"),
        seed, _recipe.Student, new SoftTargets([_setup.Teacher(seed)], options), TransferSet.First(1), validates: true))];

    private static KeyValuePair<float, TrainingRun[]> Best(Results results, Dictionary<float, TrainingRun[]> series) =>
        series.MinBy(entry => results.Sample(entry.Value, Measure.ValidationErrors).Mean);

    private Sample Balance(Results results, float temperature, bool scaled) =>
        results.Sample(_balance, GradientBalanceRun.Ratio(temperature, scaled));

    private double Range(Results results, bool scaled)
    {
        double[] ratios = [.. _recipe.ScalingTemperatures.Select(temperature => Balance(results, temperature, scaled).Mean)];
        return ratios.Max() / ratios.Min();
    }

    private Chart WeightChart(Results results)
    {
        // Weight 0 on a linear axis, beside the others.
        Point alone = Point.Of(0, results.Sample(_softAlone));
        return new Chart
        {
            Name = "weights",
            Title = "Labels beside soft targets",
            Caption = "Test errors over the weight of the labels, 0 being soft targets alone; mean over seeds with its 95 % confidence interval.",
            X = new Axis("weight of the labels", Ticks: [0, 0.2, 0.4, 0.6, 0.8, 1]),
            Y = new Axis("test errors"),
            Series =
            [
                new("weighted sum", [alone, .. _weighted.Select(entry => Point.Of(Math.Round(entry.Key, 6), results.Sample(entry.Value)))]),
                new("modified targets", [alone, .. _blended.Select(entry => Point.Of(Math.Round(entry.Key, 6), results.Sample(entry.Value)))]),
            ],
        };
    }

    private Chart BalanceChart(Results results) => new()
    {
        Name = "balance",
        Title = "T² keeps the balance of the two objectives",
        Caption = "Root mean square length of the soft objective’s gradients over that of the hard objective’s, for a student after one epoch.",
        X = new Axis("temperature T", Logarithmic: true, [.. _recipe.ScalingTemperatures.Select(temperature => (double)temperature)]),
        Y = new Axis("soft / hard", Logarithmic: true),
        Series =
        [
            new("with T²", [.. _recipe.ScalingTemperatures.Select(temperature => Point.Of(temperature, Balance(results, temperature, scaled: true)))]),
            new("without", [.. _recipe.ScalingTemperatures.Select(temperature => Point.Of(temperature, Balance(results, temperature, scaled: false)))]),
        ],
    };
}
