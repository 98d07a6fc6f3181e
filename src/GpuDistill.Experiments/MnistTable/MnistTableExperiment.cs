namespace GpuDistill.Experiments;

/// <summary>
/// Section 3 of the paper: a large regularized teacher, a smaller student trained on hard labels without regularization, and the same
/// student trained on the teacher's soft targets.
/// </summary>
internal sealed class MnistTableExperiment(Setup setup) : Experiment
{
    private readonly TrainingRun[] _teachers = [.. setup.AllSeeds.Select(setup.Teacher)];
    private readonly TrainingRun[] _hard = [.. setup.AllSeeds.Select(setup.HardStudent)];
    private readonly TrainingRun[] _distilled = [.. setup.AllSeeds.Select(seed => setup.Training(
        "student-distilled", "distilled student", seed, setup.Recipe.DistilledStudent,
        new SoftTargets([setup.Teacher(seed)], setup.Recipe.Distillation)))];

    public override IEnumerable<Run> Runs => setup.AllSeeds.SelectMany(seed => (Run[])[_teachers[seed - 1], _hard[seed - 1], _distilled[seed - 1]]);

    public override IEnumerable<Block> Report(Results results)
    {
        Sample teacher = results.Sample(_teachers);
        Sample hard = results.Sample(_hard);
        Sample distilled = results.Sample(_distilled);
        PairedDifference gain = new(hard, distilled);
        float temperature = setup.Recipe.Distillation.Temperature;
        yield return new Findings(
        [
            Finding.Target(setup, $"The teacher makes {Numbers.Decimal(teacher.Mean)} errors (the paper: 67; target: at most 75).", teacher.Mean <= 75),
            Finding.Target(
                setup, $"The student on hard labels makes {Numbers.Decimal(hard.Mean)} (the paper: 146; target: 130 to 165).", hard.Mean is >= 130 and <= 165),
            Finding.Target(
                setup, $"The distilled student makes {Numbers.Decimal(distilled.Mean)} (the paper: 74; target: at most 85).", distilled.Mean <= 85),
            Finding.Better($"Distilled, the student makes {gain.FewerErrors}", gain),
        ]);
        yield return new ResultTable(
            $"Errors on the test images; the student is distilled at T = {Numbers.Short(temperature)}",
            ["Network", "Ours", "The paper", "Std. dev.", "Each seed", "Layers"],
            [
                Row("Teacher", setup.Recipe.Teacher, teacher, "67"),
                Row("Student, hard labels", setup.Recipe.HardStudent, hard, "146"),
                Row("Student, distilled", setup.Recipe.DistilledStudent, distilled, "74"),
            ]);
        yield return new Chart
        {
            Name = "errors",
            Title = "Test errors, ours and the paper’s",
            Caption = "Mean over seeds with its 95 % confidence interval, each seed, and the number that the paper reports.",
            X = new Axis("", Ticks: [0, 1, 2], Names: ["teacher", "hard labels", "distilled"]),
            Y = new Axis("test errors"),
            Series =
            [
                new("mean", [Point.Of(0, teacher), Point.Of(1, hard), Point.Of(2, distilled)], Line: false),
                new("each seed", [.. Each(0, teacher), .. Each(1, hard), .. Each(2, distilled)], Line: false),
                new("the paper", [new(0, 67), new(1, 146), new(2, 74)], Line: false),
            ],
        };
    }

    private static IEnumerable<Point> Each(double x, Sample sample) => sample.Values.Select(value => new Point(x, value));

    private static string[] Row(string name, TrainingRecipe recipe, Sample errors, string paper) =>
    [
        name,
        Numbers.MeanAndHalfWidth(errors),
        paper,
        Numbers.Decimal(errors.StandardDeviation),
        string.Join(", ", errors.Values.Select(Numbers.Count)),
        recipe.Shape.ToString(),
    ];
}
