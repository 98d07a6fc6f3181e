namespace GpuDistill.Experiments;

/// <summary>A report that was written.</summary>
/// <param name="Path">report.html.</param>
/// <param name="Metrics">What metrics.json holds, to be serialized.</param>
/// <param name="Findings">What was found, in sentences, by experiment.</param>
public sealed record ExperimentReport(string Path, object Metrics, IReadOnlyDictionary<string, IReadOnlyList<string>> Findings)
{
    internal static ExperimentReport Write(string directory, ReportDocument document, Results results)
    {
        string plots = System.IO.Path.Combine(directory, "plots");
        Directory.CreateDirectory(plots);
        foreach (ReportSection section in document.Sections)
        {
            foreach (Chart chart in section.Charts)
            {
                string svg = ChartColors.ToPlain(ChartRenderer.Svg(chart, 812, 430, chart.Name));
                WholeFile.WriteText(System.IO.Path.Combine(plots, $"{section.Info.Name}-{chart.Name}.svg"), svg + "\n");
            }
        }

        Metrics metrics = Experiments.Metrics.Of(document, results);
        Json.Write(System.IO.Path.Combine(directory, "metrics.json"), metrics);
        string path = System.IO.Path.Combine(directory, "report.html");
        WholeFile.WriteText(path, HtmlReport.Of(document));
        return new ExperimentReport(path, metrics, document.Sections.ToDictionary(
            section => section.Info.Name,
            section => (IReadOnlyList<string>)[.. section.Blocks.OfType<Findings>().SelectMany(findings => findings.Items).Select(finding => finding.Holds switch
            {
                true => $"holds: {finding.Text}",
                false => $"does not hold: {finding.Text}",
                null => finding.Text,
            })]));
    }
}
