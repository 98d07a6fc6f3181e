using System.CommandLine;
using GpuDistill.Kernels;

namespace GpuDistill.Cli;

/// <summary>gpudistill distill</summary>
internal static class DistillCommand
{
    public static Command Create(Session session)
    {
        Command command = new("distill", "Train a student on the logits of one or more teachers.");
        DistillTeacher teacher = new DistillTeacher().AddTo(command);
        Option<string> layers = OptionFactory.Layers("--student", "Layer sizes of the student, from pixels to classes.", "784-32-10");
        command.Add(layers);
        DistillationSettings distillation = new DistillationSettings().AddTo(command);
        TrainingSettings settings = new TrainingSettings().AddTo(command);
        SplitOptions split = new SplitOptions().AddTo(command);
        DataOptions data = new DataOptions().AddTo(command);
        CommonOptions common = new CommonOptions().AddTo(command);
        OutputOption output = new OutputOption($"{SavedModel.FileName} and result.json", required: true, TrainingRun.Files).AddTo(command);
        command.SetAction(parsed =>
        {
            CommandOutput console = common.Output(parsed, session);
            TrainingPlan plan = settings.Plan(parsed);
            TrainingOptions options = plan.Options;
            DistillationOptions? soft = distillation.Read(parsed);
            teacher.Check(parsed, soft);
            NetworkShape shape = NetworkShape.Parse(parsed.GetRequiredValue(layers), settings.Activation(parsed));
            if (plan.Checkpoint is { } checkpoint)
                TrainingRun.TellInOptions(() => CheckpointSettings.Check(checkpoint, options, soft ?? (object)distillation.ReadMatching(parsed)));
            using OutputDirectory directory = output.Open(parsed, [.. plan.Inputs, .. teacher.Inputs(parsed)])!;
            DataSource images = data.Load(parsed);
            NetworkFit.Check("--student", shape, images);
            NetworkFit.CheckHiddenLayer(options, shape);
            NetworkFit.CheckJitter(options, images.Train);
            settings.CheckBatch(parsed, split.Count(parsed, images.Train));
            if (NetworkFit.ClassesWithoutImages("--student", shape, images.Train) is { } missing)
                console.Caution(missing);

            using DistillDevice device = common.Open(parsed);
            using ImageSplit parts = split.Load(parsed, images, device);
            PhaseBoard board = new();
            using TeacherLogits logits = teacher.Load(parsed, session, console, parts.All, soft, shape);
            Objective objective = soft is null
                ? Objective.LogitMatching(logits, distillation.ReadMatching(parsed))
                : Objective.Distillation(logits, soft);
            using Network student = new Network(device, shape).Initialize(options.Seed);
            using Trainer trainer = new(student, parts.Train, objective, options);
            TrainingRun run = new(session, console, directory, trainer, plan);
            Phase phase = board.Add("Student", shape.ToString(), options.Epochs);
            TrainingReport report = TrainingReport.Of("distill", trainer, options, parts, directory, settings.Values(parsed));
            return run.Run(report with { Distillation = Describe(soft, logits) }, board, phase, parts);
        });
        return command;
    }

    private static DistillationReport Describe(DistillationOptions? soft, TeacherLogits logits) => new()
    {
        Objective = soft is null ? "logit-matching" : "distillation",
        Temperature = soft?.Temperature,
        SoftWeight = soft?.SoftWeight,
        HardWeight = soft?.HardWeight,
        TeacherLogits = TeacherLogitsReport.Of(logits),
    };
}
