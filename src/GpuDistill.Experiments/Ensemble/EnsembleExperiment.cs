using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

/// <summary>
/// Section 1: the cumbersome model may be an ensemble, its predictions averaged arithmetically or geometrically. Each seed has an
/// ensemble of its own.
/// </summary>
internal sealed class EnsembleExperiment : Experiment
{
    private readonly EnsembleRecipe _recipe;
    private readonly TrainingRun[][] _members;
    private readonly EnsembleRun[] _ensembles;
    private readonly (string Name, TrainingRun[] Runs)[] _students;

    public EnsembleExperiment(Setup setup)
    {
        _recipe = setup.Recipe.Ensemble;
        _members = [.. setup.AllSeeds.Select(seed => Enumerable.Range(((seed - 1) * _recipe.Members) + 1, _recipe.Members)
            .Select(member => setup.Training("ensemble-member", "member of an ensemble", member, _recipe.Member, new HardTargets(), keepsModel: true))
            .ToArray())];
        _ensembles = [.. setup.AllSeeds.Select(seed => new EnsembleRun
        {
            Key = setup.Key("ensemble", seed),
            Title = $"ensemble, seed {seed}",
            Members = _members[seed - 1],
        })];
        _students =
        [
            Students(setup, "one member", "ensemble-student-of-one", seed => [_members[seed - 1][0]], TeacherMeanKind.Geometric),
            Students(setup, "the arithmetic mean", "ensemble-student-of-arithmetic", seed => _members[seed - 1], TeacherMeanKind.Arithmetic),
            Students(setup, "the geometric mean", "ensemble-student-of-geometric", seed => _members[seed - 1], TeacherMeanKind.Geometric),
        ];
    }

    public override IEnumerable<Run> Runs =>
        [.. _members.SelectMany(members => members), .. _ensembles, .. _students.SelectMany(students => students.Runs)];

    public override IEnumerable<Block> Report(Results results)
    {
        Sample[] members = [.. _members.Select(runs => results.Sample(runs))];
        Sample mean = new([.. members.Select(sample => sample.Mean)]);
        Sample best = new([.. members.Select(sample => sample.Minimum)]);
        Sample arithmetic = results.Sample(_ensembles, EnsembleRun.ArithmeticErrors);
        Sample geometric = results.Sample(_ensembles, EnsembleRun.GeometricErrors);
        Sample[] students = [.. _students.Select(entry => results.Sample(entry.Runs))];
        PairedDifference gain = new(students[0], students[2]);
        yield return new Findings(
        [
            Finding.Better(
                $"The arithmetic mean of {_recipe.Members} members makes {Numbers.Decimal(arithmetic.Mean)} errors; its best member, as counted on the test images, {Numbers.Decimal(best.Mean)}",
                new PairedDifference(best, arithmetic), tests: 2),
            Finding.Better(
                $"The geometric mean makes {Numbers.Decimal(geometric.Mean)}", new PairedDifference(best, geometric), tests: 2),
            Finding.Better($"A student of the geometric mean makes {gain.FewerErrors} than one of a single member", gain),
        ]);
        yield return new ResultTable(
            $"Test errors; {members.Length} ensembles of {_recipe.Members} networks {_recipe.Member.Shape} each, students {_recipe.Student.Shape} at T = {Numbers.Short(_recipe.Temperature)}",
            ["", "Mean ± 95 %", "Each ensemble"],
            [
                Row("Members, on average", mean, decimals: 1),
                Row("Best member", best),
                Row("Ensemble, arithmetic mean", arithmetic),
                Row("Ensemble, geometric mean", geometric),
                .. _students.Zip(students, (entry, sample) => Row($"Student of {entry.Name}", sample)),
            ]);
        yield return new Chart
        {
            Name = "errors",
            Title = "Members, ensembles and their students",
            Caption = "Test errors, mean over ensembles with its 95 % confidence interval: an ensemble’s best member, its arithmetic and its geometric mean; "
                + "and students of one member, of the arithmetic and of the geometric mean.",
            X = new Axis("", Ticks: [0, 1, 2, 3, 4, 5], Names: ["best", "arith.", "geom.", "one", "arith.", "geom."]),
            Y = new Axis("test errors"),
            Series =
            [
                new("member, ensembles", [Point.Of(0, best), Point.Of(1, arithmetic), Point.Of(2, geometric)], Line: false),
                new("students of these", [.. students.Select((sample, i) => Point.Of(3 + i, sample))], Line: false),
            ],
        };
    }

    private (string Name, TrainingRun[] Runs) Students(
        Setup setup, string name, string key, Func<int, IReadOnlyList<TrainingRun>> teachers, TeacherMeanKind mean) =>
        (name, [.. setup.AllSeeds.Select(seed => setup.Training(
            key, $"student of {name}", seed, _recipe.Student,
            new SoftTargets(teachers(seed), new DistillationOptions { Temperature = _recipe.Temperature, SoftWeight = 1, HardWeight = 0 }, mean)))]);

    private static string[] Row(string name, Sample errors, int decimals = 0) =>
        [name, Numbers.MeanAndHalfWidth(errors), string.Join(", ", errors.Values.Select(value => Numbers.Decimal(value, decimals)))];
}
