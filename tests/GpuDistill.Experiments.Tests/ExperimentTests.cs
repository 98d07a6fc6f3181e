using System.Text.Json;
using System.Xml.Linq;
using Xunit;

namespace GpuDistill.Experiments.Tests;

/// <summary>All experiments from the first run to the report, on a few hundred images.</summary>
public sealed class ExperimentTests(ExperimentTests.Finished all) : IClassFixture<ExperimentTests.Finished>
{
    private static readonly XNamespace Xhtml = "http://www.w3.org/1999/xhtml";
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    public static TheoryData<string> Names => [.. ExperimentCatalog.All.Select(info => info.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Has_a_section_with_findings_a_table_plots_and_settings(string name)
    {
        XElement section = all.Page.Descendants(Xhtml + "section").Single(element => (string?)element.Attribute("id") == name);
        Assert.NotEmpty(section.Elements(Xhtml + "ul").Single().Elements());
        Assert.NotEmpty(section.Descendants(Xhtml + "td"));
        Assert.Contains(section.Descendants(Xhtml + "details").Single().Descendants(Xhtml + "td"), cell => cell.Value.Contains("learning rate"));
        Assert.NotEmpty(section.Elements(Xhtml + "figure"));
        Assert.DoesNotContain("NaN", section.Value);
        foreach (XElement figure in section.Elements(Xhtml + "figure"))
            Assert.Equal(2, figure.Descendants(Svg + "svg").Count()); // for wide and for narrow screens
        int[] columns = [.. section.Descendants(Xhtml + "tr").Select(row => row.Elements().Count())];
        Assert.All(columns, count => Assert.InRange(count, 2, 7));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Writes_its_plots_and_its_metrics(string name)
    {
        string[] plots = Directory.GetFiles(all["plots"], $"{name}-*.svg");
        Assert.NotEmpty(plots);
        Assert.All(plots, plot =>
        {
            XElement svg = XElement.Load(plot);
            Assert.NotEmpty(svg.Descendants(Svg + "text"));
            Assert.DoesNotContain("var(", svg.ToString());
            Assert.DoesNotContain("#A1", svg.ToString());
        });
        JsonElement experiment = all.Metrics.GetProperty("experiments").EnumerateArray().Single(entry => entry.GetProperty("name").GetString() == name);
        Assert.NotEqual(0, experiment.GetProperty("findings").GetArrayLength());
        Assert.NotEqual(0, experiment.GetProperty("tables").GetArrayLength());
    }

    [Fact]
    public void Says_how_it_came_about()
    {
        string text = all.Page.ToString();
        Assert.Contains("gpudistill experiment all --output DIR", text);
        foreach (string fact in (string[])["Device", "Seeds", "Images", "Versions", "Date", "Time"])
            Assert.Contains($"<dt>{fact}</dt>", text);
        Assert.Contains("2026-11-24 09:30 UTC", text);
        Assert.Contains("training images held out", text);
        Assert.Equal(ExperimentCatalog.All.Count, all.Page.Descendants(Xhtml + "nav").Single().Descendants(Xhtml + "a").Count());
    }

    [Fact]
    public void Needs_nothing_from_elsewhere()
    {
        Assert.DoesNotContain(all.Page.Descendants(), element => element.Name.LocalName is "script" or "link" or "img" or "iframe" or "object");
        Assert.All(all.Page.Descendants().Attributes(), attribute =>
        {
            if (attribute.Name.LocalName is "href" or "src")
                Assert.StartsWith("#", attribute.Value);
            Assert.DoesNotContain("url(http", attribute.Value);
        });
        Assert.DoesNotContain("@import", all.Page.Descendants(Xhtml + "style").Single().Value);
        Assert.DoesNotContain("url(", all.Page.Descendants(Xhtml + "style").Single().Value.Replace("url(data:", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Has_no_id_twice_and_links_only_to_what_is_there()
    {
        string[] ids = [.. all.Page.Descendants().Attributes("id").Select(attribute => attribute.Value)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.All(all.Page.Descendants(Xhtml + "a"), link => Assert.Contains(((string)link.Attribute("href")!)[1..], ids));
        foreach (XAttribute clip in all.Page.Descendants().Attributes("clip-path"))
            Assert.Contains(clip.Value[5..^1], ids);
    }

    [Fact]
    public void A_rate_that_diverges_is_a_result()
    {
        JsonElement runs = all.Metrics.GetProperty("runs");
        string[] diverged = [.. runs.EnumerateObject()
            .Where(run => run.Value.GetProperty("measures").TryGetProperty(Measure.Diverged, out _)).Select(run => run.Name)];
        Assert.NotEmpty(diverged);
        Assert.All(diverged, name => Assert.Contains("rate1E+30", name, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void The_gradient_of_distillation_reaches_its_limit_as_one_over_T()
    {
        JsonElement measures = all.Metrics.GetProperty("runs").GetProperty("tiny-gradient-limit-seed1").GetProperty("measures");
        double at200 = measures.GetProperty(GradientLimitRun.Distance(200)).GetDouble();
        double at1000 = measures.GetProperty(GradientLimitRun.Distance(1000)).GetDouble();
        Assert.InRange(at200 / at1000, 4.5, 5.5);
        Assert.InRange(at1000, 0, 0.02);
    }

    [Fact]
    public void An_offset_raises_the_class_that_was_missing()
    {
        JsonElement measures = all.Metrics.GetProperty("runs").GetProperty("tiny-omitted-3-seed1").GetProperty("measures");
        Assert.True(measures.GetProperty(OffsetRun.Offset).GetDouble() > 0);
        Assert.True(measures.GetProperty(OffsetRun.ErrorsAfter).GetDouble() < measures.GetProperty(Measure.TestErrors).GetDouble());
        JsonElement two = all.Metrics.GetProperty("runs").GetProperty("tiny-only-7-8-seed1").GetProperty("measures");
        Assert.True(two.GetProperty(OffsetRun.Offset).GetDouble() < 0);
    }

    [Theory]
    [InlineData(1, 0.693147)] // two equal logits of two
    [InlineData(1000, 0.693147)]
    public void Entropy_is_in_nats(double temperature, double entropy) =>
        Assert.Equal(entropy, TargetStatisticsRun.MeanEntropy([3, 3, -1, -1], 2, 2, temperature), 1e-6);

    /// <summary>A session with all experiments, and what it wrote.</summary>
    public sealed class Finished : IDisposable
    {
        private readonly string _directory = Directory.CreateTempSubdirectory("gpudistill-").FullName;

        public Finished()
        {
            using DistillDevice device = DistillDevice.Open("cpu");
            ExperimentOptions options = Tiny.Options(_directory, [.. ExperimentCatalog.All.Select(info => info.Name)]);
            using ExperimentSession session = new(device, Tiny.Train, Tiny.Test, options, new FixedTime());
            foreach (ExperimentPlan plan in session.Plans)
                session.Run(plan);
            ExperimentReport report = session.Report("gpudistill experiment all --output DIR");
            string html = File.ReadAllText(report.Path);
            Page = XDocument.Parse(html[html.IndexOf("<html", StringComparison.Ordinal)..]);
            Metrics = JsonDocument.Parse(File.ReadAllText(this["metrics.json"])).RootElement;
        }

        public XDocument Page { get; }

        public JsonElement Metrics { get; }

        public string this[string name] => Path.Combine(_directory, name);

        public void Dispose() => Directory.Delete(_directory, recursive: true);
    }

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 11, 24, 9, 30, 0, TimeSpan.Zero);
    }
}
