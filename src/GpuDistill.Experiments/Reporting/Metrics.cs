namespace GpuDistill.Experiments;

/// <summary>metrics.json.</summary>
internal sealed record Metrics(
    bool Quick, string Command, IReadOnlyDictionary<string, string> Facts, IReadOnlyList<ExperimentMetrics> Experiments,
    IReadOnlyDictionary<string, RunMetrics> Runs)
{
    public static Metrics Of(ReportDocument document, Results results) => new(
        document.Quick,
        document.Command,
        document.Facts.ToDictionary(),
        [.. document.Sections.Select(section => new ExperimentMetrics(
            section.Info.Name,
            Math.Round(section.Elapsed.TotalSeconds, 1),
            [.. section.Blocks.OfType<Findings>().SelectMany(findings => findings.Items)],
            [.. section.Blocks.OfType<ResultTable>()]))],
        results.Records.Values.OrderBy(record => record.Key, StringComparer.Ordinal)
            .ToDictionary(record => record.Key, record => new RunMetrics(record.Seconds, record.Measures)));
}

/// <summary>One experiment: what was found, and its tables as the report has them.</summary>
internal sealed record ExperimentMetrics(
    string Name, double Seconds, IReadOnlyList<Finding> Findings, IReadOnlyList<ResultTable> Tables);

/// <summary>One run.</summary>
internal sealed record RunMetrics(double Seconds, IReadOnlyDictionary<string, double> Measures);
