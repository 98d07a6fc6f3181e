using System.CommandLine;
using GpuDistill.Experiments;
using Spectre.Console;

namespace GpuDistill.Cli;

/// <summary>gpudistill experiment</summary>
internal static class ExperimentCommand
{
    private const string All = "all";

    public static Command Create(Session session, Recipe? recipe = null)
    {
        Command command = new("experiment", "Reproduce one of the paper's experiments, or all, with a report. Finished runs are kept: called again, it goes on. Images of --data must have 28 x 28 pixels and 10 classes.");
        Argument<string> name = new("NAME")
        {
            HelpName = "NAME",
            Description = string.Join('\n', [.. ExperimentCatalog.All.Select(info => $"{info.Name}: {info.Summary}"), $"{All}: all of these, in one report."]),
        };
        name.CompletionSources.Add([.. ExperimentCatalog.All.Select(info => info.Name), All]);
        Option<bool> quick = new("--quick") { Description = "A smaller teacher and shorter trainings: shows which way each effect goes, in a few minutes." };
        Option<int?> seeds = OptionFactory.OptionalNumber<int>(
            "--seeds", "N", "Seeds per setting. [default: 3]", n => n is >= 1 and <= 1000, "a whole number from 1 to 1000");
        command.Add(name);
        command.Add(quick);
        command.Add(seeds);
        DataOptions data = new DataOptions().AddTo(command);
        CommonOptions common = new CommonOptions().AddTo(command);
        OutputOption output = new OutputOption("report.html, metrics.json, the plots and the finished runs", required: true, files: null).AddTo(command);
        command.SetAction(parsed =>
        {
            CommandOutput console = common.Output(parsed, session);
            ExperimentOptions options = new()
            {
                Experiments = Find(parsed.GetRequiredValue(name)),
                Directory = "",
                Quick = parsed.GetValue(quick),
                Seeds = parsed.GetValue(seeds),
                Recipe = recipe,
            };
            using OutputDirectory directory = output.Open(parsed)!;
            DataSource source = data.Load(parsed);
            NetworkFit.CheckExperiment(source);
            using DistillDevice device = common.Open(parsed);
            console.Say(device.Choice);
            using ExperimentSession experiments = new(
                device, source.Train, source.Test, options with { Directory = directory.PathOf("") }, cancellation: session.Cancellation);
            foreach (string warning in experiments.Warnings)
                console.Caution(warning);
            return Run(session, console, experiments, directory, Reproduce(parsed, name, quick, seeds, common));
        });
        return command;
    }

    private static int Run(
        Session session, CommandOutput console, ExperimentSession experiments, OutputDirectory directory, string command)
    {
        PhaseBoard board = new();
        Phase[] phases = [.. experiments.Plans.Select(plan => board.Add(plan.Info.Name, plan.Info.Title, plan.Count, "run"))];
        try
        {
            console.Watch(board, () =>
            {
                foreach ((Phase phase, ExperimentPlan plan) in phases.Zip(experiments.Plans))
                {
                    board.Run(phase, () =>
                    {
                        experiments.Run(plan, new RunReports(board, phase));
                        phase.Detail = plan.Info.Title;
                    });
                }
            });
        }
        catch (OperationCanceledException)
        {
            int finished = phases.Sum(phase => phase.Finished);
            console.Warn($"Interrupted after {finished} of {phases.Sum(phase => phase.Epochs)} runs; they are kept in {directory.PathOf("runs")}.");
            console.Warn($"Go on with: {session.CommandLine}");
            return ExitCode.Interrupted;
        }

        ExperimentReport report = experiments.Report(command);
        foreach ((string name, IReadOnlyList<string> findings) in report.Findings)
        {
            console.Tell("");
            console.Tell(name);
            foreach (string finding in findings)
                console.Conclude(finding);
        }

        console.Tell("");
        console.Tell($"Written: {report.Path}");
        console.Result(report.Metrics);
        return ExitCode.Done;
    }

    private static IReadOnlyList<ExperimentInfo> Find(string name) =>
        name == All ? ExperimentCatalog.All
        : ExperimentCatalog.Find(name) is { } info ? [info]
        : throw new InputException(
            $"There is no experiment '{name}'; there are {string.Join(", ", ExperimentCatalog.All.Select(entry => entry.Name))} and {All}.");

    // What decides the result, and nothing else: paths are left out.
    private static string Reproduce(ParseResult parsed, Argument<string> name, Option<bool> quick, Option<int?> seeds, CommonOptions common)
    {
        List<string> words = [Application.Name, "experiment", parsed.GetRequiredValue(name)];
        if (parsed.GetValue(quick))
            words.Add("--quick");
        if (parsed.GetValue(seeds) is { } count)
            words.Add($"--seeds {count}");
        if (parsed.GetValue(common.Device) is { } device)
            words.Add($"--device {device}");
        if (parsed.IsGiven(common.Precision))
            words.Add($"--precision {parsed.GetRequiredValue(common.Precision)}");
        return string.Join(' ', [.. words, "--output DIR"]);
    }

    /// <summary>Shows which run an experiment is at.</summary>
    private sealed class RunReports(PhaseBoard board, Phase phase) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            phase.Detail = value.Phase;
            if (value.IsEndOfEpoch)
                phase.Finished++;
            board.Report(value);
        }
    }
}
