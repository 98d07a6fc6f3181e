namespace GpuDistill.Experiments;

/// <summary>
/// R11: soft targets of high entropy tell more per case, and their gradients vary less between cases, so that a student can learn
/// from much less data and at a higher learning rate.
/// </summary>
internal sealed class SmallTransferExperiment : Experiment
{
    private readonly Setup _setup;
    private readonly SmallTransferRecipe _recipe;
    private readonly RateSeries[] _series;
    private readonly TargetStatisticsRun[] _statistics;

    public SmallTransferExperiment(Setup setup)
    {
        _setup = setup;
        _recipe = setup.Recipe.SmallTransfer;
        _series = [.. _recipe.Sizes.SelectMany(size => (RateSeries[])[new(setup, size, soft: true), new(setup, size, soft: false)])];
        _statistics = [.. setup.AllSeeds.Select(seed => new TargetStatisticsRun
        {
            Key = setup.Key("target-statistics", seed),
            Title = $"entropy and gradients, seed {seed}",
            Teacher = setup.Teacher(seed),
            Student = _recipe.Student,
            Seed = (ulong)seed,
            Temperature = _recipe.Temperature,
            Cases = _recipe.Cases,
        })];
    }

    public override IEnumerable<Run> Runs =>
        [.. _setup.AllSeeds.Select(_setup.Teacher), .. _statistics, .. _series.SelectMany(series => series.Runs)];

    public override IEnumerable<Block> Report(Results results)
    {
        (RateSeries Soft, RateSeries Hard)[] pairs = [.. _series.Chunk(2).Select(pair => (pair[0], pair[1]))];
        Sample softNoise = Statistic(results, nameof(GradientSpread.NoiseScale), soft: true, trained: true);
        Sample hardNoise = Statistic(results, nameof(GradientSpread.NoiseScale), soft: false, trained: true);
        PairedDifference noise = new(hardNoise, softNoise);
        yield return new Paragraph(
            $"Students {_recipe.Student.Shape} learn from a part of the images that are not held out, from hard labels or from soft targets at T = {Numbers.Short(_recipe.Temperature)} "
            + "alone. Each learning rate is tried; the one with the fewest errors on the held-out training images is reported on the test images.");
        yield return new Findings(
        [
            .. pairs.Select(pair => Gain(results, pair.Soft, pair.Hard, pairs.Length)),
            Finding.Better(
                $"Between cases, gradients differ less under soft targets: after an epoch, variance over squared mean is {Numbers.Short(softNoise.Mean)} against {Numbers.Short(hardNoise.Mean)} under hard ones",
                noise),
        ]);
        yield return Accuracies(results, pairs);
        yield return new ResultTable(
            "Test images predicted right, and the highest stable learning rates",
            ["Images", "Soft targets", "Hard labels", "Gain in points", "Stable rate, soft", "the same without T²", "Stable rate, hard"],
            [.. pairs.Select(pair => Row(results, pair.Soft, pair.Hard))]);
        yield return new Paragraph(
            "Stable is the highest rate at which no seed diverges or has more than one and a half times the errors of the best rate, on held-out images. "
            + $"The soft objective is multiplied by T²; without that factor the same training takes {Numbers.Short(_recipe.Temperature * _recipe.Temperature)} times the rate.");
        yield return Rates(results, pairs[0], "rates-smallest");
        yield return Rates(results, pairs[^1], "rates-largest");
        yield return new ResultTable(
            $"What the targets tell, on {Numbers.Count(_recipe.Cases)} training images",
            ["", $"Soft, T = {Numbers.Short(_recipe.Temperature)}", "Hard"],
            [
                ["Entropy in nats (at most 2.303)", Numbers.Short(results.Sample(_statistics, TargetStatisticsRun.Entropy).Mean), "0"],
                ["Entropy of the same at T = 1", Numbers.Short(results.Sample(_statistics, TargetStatisticsRun.EntropyAtOne).Mean), "0"],
                Spread(results, "Gradient variance, initial weights", nameof(GradientSpread.Variance), trained: false),
                Spread(results, "Gradient variance, after an epoch", nameof(GradientSpread.Variance), trained: true),
                Spread(results, "Variance / squared mean, initial weights", nameof(GradientSpread.NoiseScale), trained: false),
                Spread(results, "Variance / squared mean, after an epoch", nameof(GradientSpread.NoiseScale), trained: true),
            ]);
        yield return new Paragraph(
            "The variance between cases, summed over all parameters, grows with the square of the loss’s scale, and so with T²; over the squared length of the mean gradient it "
            + "does not: as many cases must be averaged for noise and signal to be equal.");
    }

    private Finding Gain(Results results, RateSeries soft, RateSeries hard, int tests)
    {
        PairedDifference gain = new(Accuracy(results, soft), Accuracy(results, hard));
        return Finding.Better(
            $"With {Percent(soft.Share)} of the images ({Numbers.Count(soft.Images)}) soft targets gain {Points(gain.Differences)} of accuracy", gain, tests);
    }

    private string[] Row(Results results, RateSeries soft, RateSeries hard) =>
    [
        Percent(soft.Share),
        Numbers.PercentAndHalfWidth(Accuracy(results, soft)),
        Numbers.PercentAndHalfWidth(Accuracy(results, hard)),
        Numbers.MeanAndHalfWidth(Hundredfold(new PairedDifference(Accuracy(results, soft), Accuracy(results, hard)).Differences), 2),
        Numbers.Short(Math.Round(soft.HighestStableRate(results), 6)),
        Numbers.Short(Math.Round(soft.HighestStableRate(results) * _recipe.Temperature * _recipe.Temperature, 6)),
        Numbers.Short(Math.Round(hard.HighestStableRate(results), 6)),
    ];

    private Sample Accuracy(Results results, RateSeries series) =>
        new([.. series.TestErrors(results).Values.Select(errors => 1 - (errors / _setup.TestImages))]);

    private Chart Accuracies(Results results, (RateSeries Soft, RateSeries Hard)[] pairs) => new()
    {
        Name = "accuracy",
        Title = "Soft targets need fewer labels",
        Caption = "Accuracy on the test images at the learning rate that is best on held-out images; mean over seeds with its 95 % confidence interval.",
        X = new Axis(
            "share of the labels in %", Logarithmic: true, [.. pairs.Select(pair => 100 * pair.Soft.Share)]),
        Y = new Axis("accuracy in %"),
        Series =
        [
            new("soft targets", [.. pairs.Select(pair => Point.Of(100 * pair.Soft.Share, Hundredfold(Accuracy(results, pair.Soft))))]),
            new("hard labels", [.. pairs.Select(pair => Point.Of(100 * pair.Hard.Share, Hundredfold(Accuracy(results, pair.Hard))))]),
        ],
    };

    private Chart Rates(Results results, (RateSeries Soft, RateSeries Hard) pair, string name) => new()
    {
        Name = name,
        Title = $"Learning rates with {Percent(pair.Soft.Share)} of the labels",
        Caption = "Errors on the held-out training images, mean over seeds with its 95 % confidence interval; rates at which a seed diverged are left out.",
        X = new Axis("learning rate", Logarithmic: true, [.. _recipe.Rates.Select(rate => Math.Round(rate, 6))]),
        Y = new Axis("errors on held-out images", Logarithmic: true),
        Series =
        [
            new("soft targets", [.. pair.Soft.Validation(results).Select(entry => Point.Of(Math.Round(entry.Rate, 6), entry.Errors))]),
            new("hard labels", [.. pair.Hard.Validation(results).Select(entry => Point.Of(Math.Round(entry.Rate, 6), entry.Errors))]),
        ],
    };

    private string[] Spread(Results results, string name, string measure, bool trained) =>
    [
        name,
        Numbers.Short(Statistic(results, measure, soft: true, trained).Mean),
        Numbers.Short(Statistic(results, measure, soft: false, trained).Mean),
    ];

    private Sample Statistic(Results results, string measure, bool soft, bool trained) =>
        results.Sample(_statistics, TargetStatisticsRun.Name(measure, soft, trained));

    private static Sample Hundredfold(Sample shares) => new([.. shares.Values.Select(value => 100 * value)]);

    private static string Points(Sample shares) => $"{Numbers.MeanAndHalfWidth(Hundredfold(shares), 2)} points";

    private static string Percent(double share) => $"{Numbers.Short(100 * share)} %";
}
