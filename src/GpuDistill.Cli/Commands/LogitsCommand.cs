using System.CommandLine;
using System.Diagnostics;
using GpuDistill.Kernels;

namespace GpuDistill.Cli;

/// <summary>gpudistill logits</summary>
internal static class LogitsCommand
{
    public const string FileName = "logits.safetensors";

    public static Command Create(Session session)
    {
        Command command = new(
            "logits", "Run one or more teachers over the training images and write their logits, to distil from later.");
        TeacherOptions teachers = new TeacherOptions(required: true).AddTo(command);
        Option<float?> temperature = OptionFactory.OptionalNumber<float>(
            "--temperature", "T", "Of --mean arithmetic: the temperature at which predictions are averaged and students must be trained. [default: 1]",
            TeacherOptions.IsTemperature, TeacherOptions.TemperatureRange);
        command.Add(temperature);
        DataOptions data = new DataOptions().AddTo(command);
        CommonOptions common = new CommonOptions().AddTo(command);
        OutputOption output = new OutputOption(FileName, required: true, new OutputFiles(FileName)).AddTo(command);
        command.SetAction(parsed =>
        {
            CommandOutput console = common.Output(parsed, session);
            TeacherMeanKind mean = teachers.MeanKind(parsed);
            if (mean != TeacherMeanKind.Arithmetic)
                parsed.RefuseWithout("--mean arithmetic", temperature);
            using OutputDirectory directory = output.Open(
                parsed, teachers.Paths(parsed).Select(teacher => new InputFile("--teacher", SavedModel.Locate(teacher, SavedModel.FileName))))!;
            ImageDataset transferSet = data.Load(parsed).Train;

            using DistillDevice device = common.Open(parsed);
            using TeacherModels models = new(teachers.Paths(parsed), device, transferSet);
            using ResidentImages images = new(device, transferSet);
            console.Say(device.Choice);
            PhaseBoard board = new();
            Phase phase = board.Add("Teacher logits", models.Description);
            long start = Stopwatch.GetTimestamp();
            TeacherLogits? computed = null;
            console.Watch(board, () => board.Run(phase, () => computed = TeacherLogits.Compute(
                models.Networks, images, mean, parsed.GetValue(temperature) ?? 1, board, session.Cancellation)));
            using TeacherLogits logits = computed!;
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);

            string path = directory.Place(FileName);
            logits.Save(path);
            console.Tell("");
            console.Tell($"{Units.Count(logits.Rows)} rows of {logits.Classes} logits, {Units.Bytes(logits.Bytes)}, {Units.Seconds(elapsed)}.");
            console.Tell($"Written: {path}");
            console.Result(new LogitsReport(
                device.Info.ToString(), [.. models.Networks.Select(network => network.Shape.ToString())], mean.ToString().ToLowerInvariant(),
                logits.Temperature, logits.Rows, logits.Classes, logits.Bytes, JsonText.Seconds(elapsed), path));
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>The result.</summary>
    private sealed record LogitsReport(
        string Device, IReadOnlyList<string> Teachers, string Mean, float? Temperature, int Rows, int Classes, long Bytes, double Seconds, string Logits);
}
