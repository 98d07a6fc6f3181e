using System.Text.RegularExpressions;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace GpuDistill.Experiments;

/// <summary>Draws charts as SVG with ScottPlot.</summary>
internal static partial class ChartRenderer
{
    private static readonly MarkerShape[] Shapes =
        [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledDiamond, MarkerShape.FilledTriangleUp, MarkerShape.FilledTriangleDown];

    /// <summary>Draws a chart.</summary>
    /// <param name="chart">What is drawn.</param>
    /// <param name="width">Its width in pixels.</param>
    /// <param name="height">Its height in pixels.</param>
    /// <param name="id">Set before the ids within the SVG, which must differ between all SVGs of a page.</param>
    /// <returns>The SVG element, in the marker colours of <see cref="ChartColors"/>.</returns>
    public static string Svg(Chart chart, int width, int height, string id)
    {
        PlotFont.Register();
        using Plot plot = new();
        Style(plot, chart);
        for (int i = 0; i < chart.Series.Count; i++)
            Draw(plot, chart, i);
        plot.Axes.Bottom.TickGenerator = Ticks(chart.X, chart, point => point.X, horizontal: true, width);
        plot.Axes.Left.TickGenerator = Ticks(chart.Y, chart, point => point.Y, horizontal: false, height);
        if (chart.Series.Count > 1)
            Legend(plot);
        return Embeddable(plot.GetSvgXml(width, height), width, height, chart.Title, id);
    }

    private static void Style(Plot plot, Chart chart)
    {
        plot.FigureBackground.Color = ChartColors.Paper;
        plot.DataBackground.Color = ChartColors.Paper;
        plot.Axes.Color(ChartColors.Muted);
        plot.Grid.MajorLineColor = ChartColors.Grid;
        foreach (IAxis axis in (IAxis[])[plot.Axes.Right, plot.Axes.Top])
            axis.FrameLineStyle.Width = 0;
        plot.Axes.Margins(chart.X.Names is null ? 0.05 : 0.15, 0.1);
        plot.Axes.Right.MinimumSize = 24; // room for half of the last tick's label
        foreach ((IAxis named, string label) in new[] { ((IAxis)plot.Axes.Bottom, chart.X.Label), (plot.Axes.Left, chart.Y.Label) })
        {
            named.Label.Text = label;
            named.Label.Bold = false;
            named.Label.FontSize = 14;
            named.Label.ForeColor = ChartColors.Ink;
            named.TickLabelStyle.FontSize = 13;
            named.TickLabelStyle.ForeColor = ChartColors.Muted;
        }
    }

    private static void Draw(Plot plot, Chart chart, int index)
    {
        Series series = chart.Series[index];
        Color color = ChartColors.Series(index);
        double shift = Shift(chart, index);
        double[] x = [.. series.Points.Select(point => Place(chart.X, point.X) + shift)];
        double[] y = [.. series.Points.Select(point => Place(chart.Y, point.Y))];
        for (int i = 0; i < x.Length; i++)
        {
            Point point = series.Points[i];
            if (!(point.HalfWidth > 0))
                continue;
            double low = chart.Y.Logarithmic ? Math.Max(point.Y - point.HalfWidth, point.Y / 10) : point.Y - point.HalfWidth;
            LinePlot bar = plot.Add.Line(x[i], Place(chart.Y, low), x[i], Place(chart.Y, point.Y + point.HalfWidth));
            bar.LineColor = color;
            bar.LineWidth = 1.5f;
        }

        Scatter scatter = plot.Add.Scatter(x, y, color);
        scatter.LineWidth = series.Line ? 2 : 0;
        scatter.MarkerShape = Shapes[index % Shapes.Length];
        scatter.MarkerSize = 8;
        scatter.LegendText = series.Name;
    }

    // Error bars of several series at the same x would hide each other.
    private static double Shift(Chart chart, int index)
    {
        double[] x = [.. chart.Series.SelectMany(series => series.Points).Select(point => Place(chart.X, point.X))];
        return (index - ((chart.Series.Count - 1) / 2d)) * 0.008 * (x.Max() - x.Min());
    }

    private static void Legend(Plot plot)
    {
        ScottPlot.Panels.LegendPanel panel = plot.ShowLegend(Edge.Top);
        panel.Alignment = Alignment.UpperLeft;
        Legend legend = panel.Legend;
        legend.Orientation = Orientation.Horizontal;
        legend.FontSize = 13;
        legend.FontColor = ChartColors.Ink;
        legend.BackgroundColor = ChartColors.Paper;
        legend.OutlineWidth = 0;
        legend.ShadowColor = Colors.Transparent;
    }

    private static double Place(Axis axis, double value) => axis.Logarithmic ? Math.Log10(value) : value;

    private static NumericManual Ticks(Axis axis, Chart chart, Func<Point, double> value, bool horizontal, int length)
    {
        double[] values = [.. chart.Series.SelectMany(series => series.Points).Select(value)];
        IReadOnlyList<double> ticks = axis.Ticks ?? (axis.Logarithmic ? RoundNumbers.Logarithmic(values) : RoundNumbers.Linear(values));
        NumericManual generator = new();
        double last = double.NegativeInfinity;
        double room = horizontal ? 34d / Math.Max(120, length - 90) * (Place(axis, ticks[^1]) - Place(axis, ticks[0])) : 0;
        for (int i = 0; i < ticks.Count; i++)
        {
            // A label that would touch the one before it is left out; its tick stays.
            double place = Place(axis, ticks[i]);
            bool fits = axis.Names is not null || place - last >= room;
            generator.AddMajor(place, fits ? axis.Names?[i] ?? Numbers.Short(ticks[i]) : "");
            last = fits ? place : last;
        }

        return generator;
    }

    private static string Embeddable(string xml, int width, int height, string title, string id)
    {
        string svg = xml[xml.IndexOf("<svg", StringComparison.Ordinal)..].TrimEnd();
        svg = Opening().Replace(
            svg,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{Html.Escape(title)}\">",
            1);
        svg = svg.Replace($"font-family=\"{PlotFont.Name}\"", $"font-family=\"{PlotFont.Families}\"", StringComparison.Ordinal);
        return svg.Replace("\"cl_", $"\"{id}-", StringComparison.Ordinal).Replace("url(#cl_", $"url(#{id}-", StringComparison.Ordinal);
    }

    [GeneratedRegex("^<svg[^>]*>")]
    private static partial Regex Opening();
}
