namespace GpuDistill.Experiments;

/// <summary>Section 2.1: at high temperature distillation is matching zero-meaned logits.</summary>
internal sealed class LogitMatchingExperiment : Experiment
{
    // Where the limit is near: below, the distance is no power law yet.
    private const float HighTemperature = 50;

    private readonly MatchingRecipe _recipe;
    private readonly Run[] _networks;
    private readonly GradientLimitRun[] _limits;
    private readonly Dictionary<float, TrainingRun[]> _distilled;
    private readonly TrainingRun[] _matched;

    public LogitMatchingExperiment(Setup setup)
    {
        _recipe = setup.Recipe.LogitMatching;
        _networks = [.. setup.AllSeeds.SelectMany(seed => (Run[])[setup.Teacher(seed), setup.HardStudent(seed)])];
        _limits = [.. setup.AllSeeds.Select(seed => new GradientLimitRun
        {
            Key = setup.Key("gradient-limit", seed),
            Title = $"gradients against their limit, seed {seed}",
            Student = setup.HardStudent(seed),
            Teacher = setup.Teacher(seed),
            Temperatures = _recipe.LimitTemperatures,
        })];
        _distilled = _recipe.Temperatures.ToDictionary(temperature => temperature, temperature => setup.AllSeeds.Select(seed => setup.Training(
            FormattableString.Invariant($"matching-t{temperature}"), FormattableString.Invariant($"student at T = {temperature}"),
            seed, _recipe.Student, setup.SoftAlone(seed, temperature))).ToArray());
        _matched = [.. setup.AllSeeds.Select(seed => setup.Training(
            "matching-logits", "student matching logits", seed, _recipe.Student, new LogitTargets(setup.Teacher(seed))))];
    }

    public override IEnumerable<Run> Runs => [.. _networks, .. _limits, .. _distilled.Values.SelectMany(runs => runs), .. _matched];

    public override IEnumerable<Block> Report(Results results)
    {
        Dictionary<float, Sample> distances = _recipe.LimitTemperatures.ToDictionary(
            temperature => temperature, temperature => results.Sample(_limits, GradientLimitRun.Distance(temperature)));
        double exponent = LogLogFit.Exponent(
            [.. distances.Where(entry => entry.Key >= HighTemperature).Select(entry => ((double)entry.Key, entry.Value.Mean))]);
        Sample matched = results.Sample(_matched);
        float highest = _recipe.Temperatures[^1];
        PairedDifference difference = new(results.Sample(_distilled[highest]), matched);
        yield return new Findings(
        [
            new(
                $"The gradient of distillation approaches (z – v) / (C T²), both zero-meaned: from T = {HighTemperature} on its relative distance falls as T to the power {Numbers.Decimal(exponent, 2)}, "
                + "and 1/T is what theory says.",
                Math.Abs(exponent + 1) < 0.1),
            new(
                $"A student that matches logits makes {difference.FewerErrors} than one distilled at T = {Numbers.Short(highest)}: {difference.Verdict()}."),
        ]);
        yield return Distances(distances);
        yield return Errors(results, matched);
        yield return new ResultTable(
            "Relative distance between the gradient of distillation and its limit, on the logits of a student and a teacher for all training images",
            ["T", "Distance", "Distance × T"],
            [.. distances.Select(entry => (IReadOnlyList<string>)[Numbers.Short(entry.Key), Numbers.Short(entry.Value.Mean), Numbers.Short(entry.Value.Mean * entry.Key)])]);
        yield return new ResultTable(
            $"Test errors of students {_recipe.Student.Shape}",
            ["Learnt from", "Mean ± 95 %", "Std. dev."],
            [
                .. _distilled.Select(entry => Row($"soft targets at T = {Numbers.Short(entry.Key)}", results.Sample(entry.Value))),
                Row("zero-meaned logits", matched),
            ]);
    }

    private static Chart Distances(Dictionary<float, Sample> distances)
    {
        (float last, Sample nearest) = distances.Last();
        return new Chart
        {
            Name = "limit",
            Title = "The gradient approaches its limit as 1/T",
            Caption = "Length of the difference over the length of the limit, over all training images, computed by the fused kernel; the second "
                + "line has the slope of 1/T.",
            X = new Axis("temperature T", Logarithmic: true),
            Y = new Axis("relative distance", Logarithmic: true),
            Series =
            [
                new("measured", [.. distances.Select(entry => Point.Of(entry.Key, entry.Value))]),
                new("slope of 1/T", [.. distances.Keys.Where(temperature => temperature >= 10).Select(temperature => new Point(temperature, nearest.Mean * last / temperature))]),
            ],
        };
    }

    private Chart Errors(Results results, Sample matched)
    {
        double end = _recipe.Temperatures[^1] * 3;
        return new Chart
        {
            Name = "errors",
            Title = "Students over temperature, and at its limit",
            Caption = "Test errors, mean over seeds with its 95 % confidence interval; at the right, the student that matches logits.",
            X = new Axis(
                "temperature T", Logarithmic: true,
                [.. _recipe.Temperatures.Select(temperature => (double)temperature), end],
                [.. _recipe.Temperatures.Select(temperature => Numbers.Short(temperature)), "logits"]),
            Y = new Axis("test errors"),
            Series =
            [
                new("soft targets", [.. _distilled.Select(entry => Point.Of(entry.Key, results.Sample(entry.Value)))]),
                new("matching logits", [Point.Of(end, matched)], Line: false),
            ],
        };
    }

    private static string[] Row(string name, Sample errors) =>
        [name, Numbers.MeanAndHalfWidth(errors), Numbers.Decimal(errors.StandardDeviation)];
}
