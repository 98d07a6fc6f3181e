using System.CommandLine;

namespace GpuDistill.Cli;

/// <summary>gpudistill demo</summary>
internal static class DemoCommand
{
    public static Command Create(Session session, DemoRecipe? recipe = null)
    {
        recipe ??= new DemoRecipe();
        Command command = new(
            "demo",
            "Train a teacher on MNIST, distil a small student from it, train the same student on hard labels alone, and compare.");
        Option<ulong> seed = OptionFactory.Number<ulong>(
            "--seed", "N", "Decides initial weights, order, jitter and dropout; the same seed gives the same bits.", 1, _ => true, "a whole number of at least 0");
        command.Add(seed);
        DataOptions data = new DataOptions().AddTo(command);
        CommonOptions common = new CommonOptions().AddTo(command);
        OutputOption output = new OutputOption("metrics.json and the three models", required: false, DemoRun.Files).AddTo(command);
        command.SetAction(parsed =>
        {
            CommandOutput console = common.Output(parsed, session);
            using OutputDirectory? directory = output.Open(parsed);
            DataSource source = data.Load(parsed);
            using DistillDevice device = common.Open(parsed);
            console.Say(device.Choice);
            using DemoRun run = new(device, source, recipe.For(source.Train), parsed.GetValue(seed), session.Cancellation);
            try
            {
                DemoMetrics metrics = run.Run(console);
                if (directory is not null)
                    Write(directory, run, metrics);
                DemoTable.Show(console, metrics, source.Test.Count);
                if (directory is not null)
                    console.Tell($"Written: {directory.PathOf(DemoRun.MetricsName)} and the models beside it");
                console.Result(metrics);
                return ExitCode.Done;
            }
            catch (OperationCanceledException)
            {
                console.Warn(directory is null
                    ? "Interrupted. Without --output DIR nothing is kept."
                    : $"Interrupted. Kept: {string.Join(", ", Keep(directory, run).DefaultIfEmpty("nothing; no training had got anywhere"))}");
                return ExitCode.Interrupted;
            }
        });
        return command;
    }

    private static void Write(OutputDirectory directory, DemoRun run, DemoMetrics metrics)
    {
        Keep(directory, run);
        foreach (string unfinished in DemoRun.Files.Unfinished)
            File.Delete(directory.PathOf(unfinished));
        directory.WriteJson(DemoRun.MetricsName, metrics);
    }

    private static List<string> Keep(OutputDirectory directory, DemoRun run) =>
        [.. run.Networks().Select(entry => directory.WriteModel(DemoRun.FileOf(entry.Name, entry.Finished), entry.Network))];
}
