using System.Globalization;
using System.Xml.Linq;
using Xunit;

namespace GpuDistill.Experiments.Tests.Reporting;

public class ChartTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Theory]
    [InlineData(812, 430)]
    [InlineData(358, 320)]
    public void Text_stays_within_the_plot(int width, int height)
    {
        XElement svg = XElement.Parse(ChartRenderer.Svg(Errors(), width, height, "id"));
        Assert.Equal($"0 0 {width} {height}", (string?)svg.Attribute("viewBox"));
        foreach (XElement text in svg.Descendants(Svg + "text"))
        {
            string[] place = ((string)text.Attribute("transform")!).Split('(', ' ', ')');
            if (place[0] != "translate")
                continue; // the label of the y axis, which is turned
            double left = double.Parse(place[1], CultureInfo.InvariantCulture);
            double[] letters = [.. ((string)text.Attribute("x")!).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(x => left + double.Parse(x, CultureInfo.InvariantCulture))];
            Assert.All(letters, x => Assert.InRange(x, 0, width - 5));
        }

        string words = string.Join(' ', svg.Descendants(Svg + "text").Select(text => text.Value.Trim()));
        foreach (string word in (string[])["test errors", "teacher", "distilled", "mean", "each seed"])
            Assert.Contains(word, words);
    }

    [Fact]
    public void Colours_follow_the_page_or_stand_alone()
    {
        string svg = ChartRenderer.Svg(Errors(), 400, 300, "id");
        Assert.Contains("var(--series-1)", ChartColors.ToVariables(svg));
        Assert.DoesNotContain("#A1", ChartColors.ToVariables(svg), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("#0b62a8", ChartColors.ToPlain(svg));
        Assert.DoesNotContain("var(", ChartColors.ToPlain(svg));
    }

    [Fact]
    public void The_font_comes_along()
    {
        string svg = ChartRenderer.Svg(Errors(), 400, 300, "id");
        Assert.Contains($"font-family=\"{PlotFont.Families}\"", svg);
        Assert.DoesNotContain("DejaVu", svg);
    }

    [Theory]
    [InlineData(0, 9, 2)]
    [InlineData(66.5, 212, 20)]
    [InlineData(-1, 1, 0.5)]
    [InlineData(0.001, 0.002, 0.0002)]
    public void Ticks_are_round_and_span_the_values(double low, double high, double step)
    {
        IReadOnlyList<double> ticks = RoundNumbers.Linear([low, high]);
        Assert.True(ticks[0] <= low && ticks[^1] >= high);
        Assert.All(ticks.Zip(ticks.Skip(1)), pair => Assert.Equal(step, pair.Second - pair.First, 1e-9));
        Assert.All(ticks, tick => Assert.Equal(0, Math.IEEERemainder(tick, step), 1e-9));
    }

    [Fact]
    public void Ticks_of_what_is_never_negative_are_not_negative() => Assert.All(RoundNumbers.Linear([0.2, 30]), tick => Assert.True(tick >= 0));

    [Fact]
    public void Logarithmic_ticks_are_powers_of_ten_or_1_2_5()
    {
        Assert.Equal([0.001, 0.01, 0.1, 1, 10], RoundNumbers.Logarithmic([0.002, 3]));
        Assert.Equal([1, 2, 5, 10, 20, 50], RoundNumbers.Logarithmic([1.5, 9]));
    }

    private static Chart Errors() => new()
    {
        Name = "errors",
        Title = "Errors <& more>",
        Caption = "",
        X = new Axis("", Ticks: [0, 1, 2], Names: ["teacher", "hard labels", "distilled"]),
        Y = new Axis("test errors"),
        Series =
        [
            new("mean", [new(0, 71, 9), new(1, 146, 12), new(2, 80)], Line: false),
            new("each seed", [new(0, 67), new(0, 75), new(1, 140), new(2, 80)], Line: false),
        ],
    };
}
