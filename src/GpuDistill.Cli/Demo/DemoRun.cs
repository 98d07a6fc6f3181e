using System.Diagnostics;

namespace GpuDistill.Cli;

/// <summary>
/// The demo: a teacher learns from labels, its logits stay on the device, and a small student is trained twice from the same
/// initial weights, once on labels alone and once on those logits. The test images are not looked at before all three are done.
/// </summary>
internal sealed class DemoRun(DistillDevice device, DataSource data, DemoRecipe recipe, ulong seed, CancellationToken cancellation) : IDisposable
{
    public const string MetricsName = "metrics.json";

    private const string TeacherName = "teacher";
    private const string HardName = "student-hard";
    private const string DistilledName = "student-distilled";

    private readonly PhaseBoard _board = new();
    private readonly Stopwatch _total = Stopwatch.StartNew();
    private Phase? _teacherPhase;
    private Phase? _logitsPhase;
    private Phase? _hardPhase;
    private Phase? _distilledPhase;

    /// <summary>The teacher, once it is being trained.</summary>
    public Network? Teacher { get; private set; }

    /// <summary>The student of the labels alone, once it is being trained.</summary>
    public Network? StudentHard { get; private set; }

    /// <summary>The distilled student, once it is being trained.</summary>
    public Network? StudentDistilled { get; private set; }

    /// <summary>All that a demo writes.</summary>
    public static OutputFiles Files { get; } = new(MetricsName, FileOf(TeacherName, true), FileOf(HardName, true), FileOf(DistilledName, true))
    {
        Unfinished = [FileOf(TeacherName, false), FileOf(HardName, false), FileOf(DistilledName, false)],
    };

    /// <summary>The file of a network: what is not finished has a name of its own.</summary>
    public static string FileOf(string name, bool finished) => finished ? $"{name}.safetensors" : $"{name}.unfinished.safetensors";

    /// <summary>The networks that have been trained, in full or in part, with a name for their files.</summary>
    public IEnumerable<(string Name, Network Network, bool Finished)> Networks()
    {
        foreach ((string name, Network? network, Phase? phase) in (IEnumerable<(string, Network?, Phase?)>)[
            (TeacherName, Teacher, _teacherPhase), (HardName, StudentHard, _hardPhase), (DistilledName, StudentDistilled, _distilledPhase)])
        {
            if (network is not null && phase?.Progress is not null)
                yield return (name, network, phase.State == PhaseState.Done);
        }
    }

    /// <summary>Runs it all.</summary>
    public DemoMetrics Run(CommandOutput console)
    {
        _teacherPhase = _board.Add("Teacher", recipe.Teacher.ToString(), recipe.TeacherTraining.Epochs);
        _logitsPhase = _board.Add("Teacher logits", "stay on the device");
        _hardPhase = _board.Add("Student, hard labels", recipe.Student.ToString(), recipe.HardTraining.Epochs);
        _distilledPhase = _board.Add("Student, distilled", recipe.Student.ToString(), recipe.DistilledTraining.Epochs);
        Phase test = _board.Add("Test", $"{Units.Count(data.Test.Count)} images");
        DemoMetrics? metrics = null;
        console.Watch(_board, () => metrics = Run(test));
        return metrics!;
    }

    public void Dispose()
    {
        Teacher?.Dispose();
        StudentHard?.Dispose();
        StudentDistilled?.Dispose();
    }

    private DemoMetrics Run(Phase test)
    {
        using ResidentImages train = new(device, data.Train);
        Teacher = new Network(device, recipe.Teacher);
        Train(_teacherPhase!, Teacher, train, Objective.HardLabels(), recipe.TeacherTraining);

        TeacherLogits? computed = null;
        _board.Run(_logitsPhase!, () => computed = TeacherLogits.Compute([Teacher], train, progress: _board, cancellation: cancellation));
        using TeacherLogits logits = computed!;

        StudentHard = new Network(device, recipe.Student);
        Train(_hardPhase!, StudentHard, train, Objective.HardLabels(), recipe.HardTraining);
        StudentDistilled = new Network(device, recipe.Student);
        Train(_distilledPhase!, StudentDistilled, train, Objective.Distillation(logits, recipe.Distillation), recipe.DistilledTraining);

        int[] errors = [];
        _board.Run(test, () =>
        {
            using ResidentImages images = new(device, data.Test);
            errors = [.. new[] { Teacher, StudentHard, StudentDistilled }
                .Select(network => Evaluation.Of(network, images, cancellation).Errors)];
        });
        return new DemoMetrics(
            device.Info.ToString(),
            JsonText.Seconds(_total.Elapsed),
            Metrics(Teacher, errors[0], _teacherPhase!),
            Metrics(StudentHard, errors[1], _hardPhase!),
            new DistilledMetrics(
                StudentDistilled.Shape.Parameters, errors[2], JsonText.Seconds(_distilledPhase!.Elapsed),
                recipe.Distillation.Temperature, recipe.Distillation.SoftWeight, recipe.Distillation.HardWeight),
            TeacherLogitsReport.Of(logits));
    }

    private void Train(Phase phase, Network network, ResidentImages images, Objective objective, TrainingOptions options) =>
        _board.Run(phase, () =>
        {
            network.Initialize(seed);
            using Trainer trainer = new(network, images, objective, options with { Seed = seed });
            trainer.Run(phase.Name, _board, cancellation);
        });

    private static NetworkMetrics Metrics(Network network, int errors, Phase phase) =>
        new(network.Shape.Parameters, errors, JsonText.Seconds(phase.Elapsed));
}
