namespace GpuDistill.Experiments;

/// <summary>A report: what is true of all experiments, and a section for each.</summary>
/// <param name="Quick">Whether the quick recipe was used.</param>
/// <param name="Command">The command that reproduces it.</param>
/// <param name="Facts">Device, versions, seeds and the like, by name.</param>
/// <param name="Sections">The experiments.</param>
internal sealed record ReportDocument(
    bool Quick, string Command, IReadOnlyList<KeyValuePair<string, string>> Facts, IReadOnlyList<ReportSection> Sections);

/// <summary>One experiment's part of a report.</summary>
/// <param name="Info">The experiment.</param>
/// <param name="Blocks">What was found.</param>
/// <param name="Settings">How the networks were trained.</param>
/// <param name="Runs">Its runs, shared ones included.</param>
/// <param name="Elapsed">The time that these took.</param>
internal sealed record ReportSection(
    ExperimentInfo Info, IReadOnlyList<Block> Blocks, IReadOnlyList<TrainingSettings> Settings, int Runs, TimeSpan Elapsed)
{
    public IEnumerable<Chart> Charts => Blocks.OfType<Chart>();

    /// <summary>How many of the claims and targets hold, in words; empty where there are none.</summary>
    public string Verdict
    {
        get
        {
            Finding[] checks = [.. Blocks.OfType<Findings>().SelectMany(findings => findings.Items).Where(finding => finding.Holds is not null)];
            return checks.Length == 0 ? "" : $"{checks.Count(finding => finding.Holds == true)} of {checks.Length} checks hold";
        }
    }
}

/// <summary>Trainings that differ in targets and seeds only.</summary>
internal sealed record TrainingSettings(string Network, string Training, string Images, int Count)
{
    /// <summary>The settings of some runs, each once.</summary>
    public static IReadOnlyList<TrainingSettings> Of(IEnumerable<Run> runs) =>
        [.. runs.OfType<TrainingRun>()
            .GroupBy(run => (Network: run.Shape.ToString(), Training: Describe(run.Options), run.TransferSet.Name))
            .Select(group => new TrainingSettings(group.Key.Network, group.Key.Training, group.Key.Name, group.Count()))];

    private static string Describe(TrainingOptions options)
    {
        List<string> words =
        [
            $"{options.Epochs} epochs",
            $"batch {options.BatchSize}",
            FormattableString.Invariant($"learning rate {options.LearningRate}"),
            $"{options.Decay.ToString().ToLowerInvariant()} decay",
            options.Optimizer.ToString()!,
        ];
        if (options.Jitter > 0)
            words.Add($"jitter {options.Jitter} pixels");
        if (options.InputDropout > 0 || options.HiddenDropout > 0)
            words.Add(FormattableString.Invariant($"dropout {options.InputDropout} of pixels and {options.HiddenDropout} of hidden units"));
        if (options.MaxNorm > 0)
            words.Add(FormattableString.Invariant($"max-norm {options.MaxNorm}"));
        return string.Join(", ", words);
    }
}
