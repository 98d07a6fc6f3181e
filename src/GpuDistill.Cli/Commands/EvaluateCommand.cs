using System.CommandLine;
using Spectre.Console;

namespace GpuDistill.Cli;

/// <summary>gpudistill evaluate</summary>
internal static class EvaluateCommand
{
    private const string FileName = "evaluation.json";

    public static Command Create(Session session)
    {
        Command command = new(
            "evaluate", "Count a model's errors, predicting at temperature 1 as every trained network does.");
        Argument<string> model = new("MODEL") { Description = "A model file, or the directory that train or distill wrote." };
        model.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
                result.AddError("MODEL must not be empty.");
        });
        Option<string> part = OptionFactory.Choice("--part", "PART", "Which images", "test", "test", "train");
        command.Add(model);
        command.Add(part);
        DataOptions data = new DataOptions().AddTo(command);
        CommonOptions common = new CommonOptions().AddTo(command);
        OutputOption output = new OutputOption(FileName, required: false, new OutputFiles(FileName)).AddTo(command);
        command.SetAction(parsed =>
        {
            CommandOutput console = common.Output(parsed, session);
            string path = parsed.GetRequiredValue(model);
            using OutputDirectory? directory = output.Open(parsed, new InputFile("MODEL", SavedModel.Locate(path, SavedModel.FileName)));
            DataSource source = data.Load(parsed);
            ImageDataset dataset = parsed.GetRequiredValue(part) == "test" ? source.Test : source.Train;
            using DistillDevice device = common.Open(parsed);
            using Network network = SavedModel.Load(path, device, dataset);
            NetworkFit.CheckClasses($"{path}: the network {network.Shape}", network.Shape, dataset);
            using ResidentImages images = new(device, dataset);
            console.Say(device.Choice);
            Evaluation evaluation = Evaluation.Of(network, images, session.Cancellation);
            Show(console, network, dataset, evaluation);
            EvaluationReport report = new(
                device.Info.ToString(), network.Shape.ToString(), network.Shape.Parameters, dataset.Name, evaluation.Count, evaluation.Errors,
                JsonText.Measured(evaluation.CrossEntropy), evaluation.CountByClass, evaluation.ErrorsByClass);
            if (directory is not null)
                console.Tell($"Written: {directory.WriteJson(FileName, report)}");
            console.Result(report);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Show(CommandOutput console, Network network, ImageDataset dataset, Evaluation evaluation)
    {
        Table table = new Table().RoundedBorder();
        foreach (string title in (string[])["Class", "Images", "Errors", "Share"])
            table.AddColumn(new TableColumn(title).RightAligned());
        for (int i = 0; i < evaluation.CountByClass.Count; i++)
        {
            int count = evaluation.CountByClass[i];
            int errors = evaluation.ErrorsByClass[i];
            table.AddRow($"{i}", Units.Count(count), Units.Count(errors), count > 0 ? Units.Percent((double)errors / count) : "");
        }

        console.Show(table);
        console.Conclude(
            $"{network.Shape} on '{dataset.Name}': {Units.Counted(evaluation.Errors, "error")} on {Units.Counted(evaluation.Count, "image")} "
            + $"({Units.Percent(evaluation.ErrorRate)}), cross entropy {Units.Loss(evaluation.CrossEntropy)}.");
    }

    /// <summary>The result.</summary>
    private sealed record EvaluationReport(
        string Device, string Layers, long Parameters, string Dataset, int Images, int Errors, double? CrossEntropy,
        IReadOnlyList<int> ImagesByClass, IReadOnlyList<int> ErrorsByClass);
}
