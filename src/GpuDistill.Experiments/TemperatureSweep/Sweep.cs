namespace GpuDistill.Experiments;

/// <summary>The same students, distilled at each of several temperatures.</summary>
internal sealed class Sweep
{
    private readonly Dictionary<float, TrainingRun[]> _runs;

    public Sweep(Setup setup, string name, SweepRecipe recipe)
    {
        Temperatures = recipe.Temperatures;
        Shape = recipe.Student.Shape.ToString();
        Students = setup.Seeds * recipe.StudentsPerSeed;
        _runs = recipe.Temperatures.ToDictionary(temperature => temperature, temperature => Enumerable.Range(1, Students)
            .Select(seed => setup.Training(
                FormattableString.Invariant($"sweep-{name}-t{temperature}"),
                FormattableString.Invariant($"{recipe.Student.Shape} at T = {temperature}"),
                seed, recipe.Student, setup.SoftAlone(seed, temperature)))
            .ToArray());
    }

    public IReadOnlyList<float> Temperatures { get; }

    public string Shape { get; }

    /// <summary>Students at each temperature.</summary>
    public int Students { get; }

    public IEnumerable<Run> Runs => _runs.Values.SelectMany(runs => runs);

    public Sample Errors(Results results, float temperature) => results.Sample(_runs[temperature]);

    /// <summary>Each student's mean over several temperatures.</summary>
    public Sample Average(Results results, IReadOnlyCollection<float> temperatures)
    {
        Sample[] samples = [.. temperatures.Select(temperature => Errors(results, temperature))];
        return new Sample([.. Enumerable.Range(0, Students).Select(student => samples.Average(sample => sample.Values[student]))]);
    }

    public ResultTable Table(Results results) => new(
        $"Students {Shape}: test errors, {Students} students at each temperature",
        ["T", "Mean ± 95 %", "Std. dev.", "Fewest", "Most"],
        [.. Temperatures.Select(temperature => Row(temperature, Errors(results, temperature)))]);

    private static string[] Row(float temperature, Sample errors) =>
    [
        Numbers.Short(temperature),
        Numbers.MeanAndHalfWidth(errors),
        Numbers.Decimal(errors.StandardDeviation),
        Numbers.Count(errors.Minimum),
        Numbers.Count(errors.Maximum),
    ];
}
