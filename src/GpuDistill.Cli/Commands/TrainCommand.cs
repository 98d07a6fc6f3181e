using System.CommandLine;

namespace GpuDistill.Cli;

/// <summary>gpudistill train</summary>
internal static class TrainCommand
{
    public static Command Create(Session session)
    {
        Command command = new("train", "Train a network, such as a teacher, on images and their labels.");
        Option<string> layers = OptionFactory.Layers("--layers", "Layer sizes, from pixels to classes.", "784-800-800-10");
        Option<float> smoothing = OptionFactory.Number<float>(
            "--label-smoothing", "X", "Share of the target spread evenly over all classes.", 0, x => x is >= 0 and < 1, "at least 0 and below 1");
        command.Add(layers);
        TrainingSettings settings = new TrainingSettings().AddTo(command);
        command.Add(smoothing);
        SplitOptions split = new SplitOptions().AddTo(command);
        DataOptions data = new DataOptions().AddTo(command);
        CommonOptions common = new CommonOptions().AddTo(command);
        OutputOption output = new OutputOption($"{SavedModel.FileName} and result.json", required: true, TrainingRun.Files).AddTo(command);
        command.SetAction(parsed =>
        {
            CommandOutput console = common.Output(parsed, session);
            TrainingPlan plan = settings.Plan(parsed);
            TrainingOptions options = plan.Options;
            NetworkShape shape = NetworkShape.Parse(parsed.GetRequiredValue(layers), settings.Activation(parsed));
            using OutputDirectory directory = output.Open(parsed, plan.Inputs)!;
            DataSource images = data.Load(parsed);
            NetworkFit.Check("--layers", shape, images);
            NetworkFit.CheckHiddenLayer(options, shape);
            NetworkFit.CheckJitter(options, images.Train);
            settings.CheckBatch(parsed, split.Count(parsed, images.Train));
            if (NetworkFit.ClassesWithoutImages("--layers", shape, images.Train) is { } missing)
                console.Caution(missing);

            using DistillDevice device = common.Open(parsed);
            using ImageSplit parts = split.Load(parsed, images, device);
            using Network network = new Network(device, shape).Initialize(options.Seed);
            Objective objective = Objective.HardLabels(parsed.GetValue(smoothing));
            using Trainer trainer = new(network, parts.Train, objective, options);
            TrainingRun run = new(session, console, directory, trainer, plan);
            console.Say(device.Choice);
            PhaseBoard board = new();
            Phase phase = board.Add("Training", shape.ToString(), options.Epochs);
            return run.Run(TrainingReport.Of("train", trainer, options, parts, directory, settings.Values(parsed)), board, phase, parts);
        });
        return command;
    }
}
