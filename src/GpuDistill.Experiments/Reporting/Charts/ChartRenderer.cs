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
        Point[] points = [.. chart.Series.SelectMany(series => series.Points)];
        plot.Axes.Bottom.TickGenerator = Ticks(chart.X, [.. points.Select(point => point.X)], room: 34d / (width - 90));
        double[] ends = [.. points.SelectMany(point => Ends(chart, point))];
        plot.Axes.Left.TickGenerator = Ticks(chart.Y, ends, room: 18d / (height - 90));
        plot.Axes.Left.MinimumSize = 40 + (7.5f * ends.Max(end => Numbers.Short(Math.Round(end)).Length)); // the label clear of the ticks'
        Legend(plot, chart, width);
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
            LinePlot bar = plot.Add.Line(x[i], Place(chart.Y, Low(chart, point)), x[i], Place(chart.Y, point.Y + point.HalfWidth));
            bar.LineColor = color;
            bar.LineWidth = 1.5f;
        }

        Scatter scatter = plot.Add.Scatter(x, y, color);
        scatter.LineWidth = series.Line ? 2 : 0;
        scatter.MarkerShape = Shapes[index % Shapes.Length];
        scatter.MarkerSize = 8;
        scatter.LegendText = series.Name;
    }

    // The lower end of an error bar; on a logarithmic axis it ends below the lowest point rather than at minus infinity.
    private static double Low(Chart chart, Point point)
    {
        double low = point.Y - point.HalfWidth;
        return chart.Y.Logarithmic ? Math.Max(low, chart.Series.SelectMany(series => series.Points).Min(other => other.Y) / 1.5) : low;
    }

    // Error bars of several series at the same x would hide each other; where no x is shared, points stay where they are.
    private static double Shift(Chart chart, int index)
    {
        double[] x = [.. chart.Series.SelectMany(series => series.Points).Select(point => Place(chart.X, point.X))];
        if (chart.Series.SelectMany(series => series.Points.Select(point => point.X).Distinct()).GroupBy(value => value).All(group => group.Count() == 1))
            return 0;
        double step = chart.Series.Any(series => series.Line) ? 0.008 : chart.X.Names is null ? 0.02 : 0.04;
        return (index - ((chart.Series.Count - 1) / 2d)) * step * (x.Max() - x.Min());
    }

    // Above the data, where it hides nothing. ScottPlot leaves room for one series per line; this leaves what the names need.
    private static void Legend(Plot plot, Chart chart, int width)
    {
        if (chart.Series.Count == 1)
        {
            plot.HideLegend();
            return;
        }

        ScottPlot.Panels.LegendPanel panel = plot.ShowLegend(Edge.Top);
        panel.Alignment = Alignment.UpperLeft;
        panel.Padding = new PixelPadding(0);
        panel.MaximumSize = panel.MinimumSize = 8 + (24 * MathF.Ceiling(chart.Series.Sum(series => 44 + (7f * series.Name.Length)) / (width - 80)));
        Legend legend = panel.Legend;
        legend.Orientation = Orientation.Horizontal;
        legend.Margin = new PixelPadding(0);
        legend.FontSize = 13;
        legend.FontColor = ChartColors.Ink;
        legend.BackgroundColor = ChartColors.Paper;
        legend.OutlineWidth = 0;
        legend.ShadowColor = Colors.Transparent;
    }

    private static double Place(Axis axis, double value) => axis.Logarithmic ? Math.Log10(value) : value;

    private static IEnumerable<double> Ends(Chart chart, Point point) =>
        point.HalfWidth > 0 ? [Low(chart, point), point.Y + point.HalfWidth] : [point.Y];

    // room: what a label takes of the axis. A label that would touch the one before it is left out; its tick stays.
    private static NumericManual Ticks(Axis axis, double[] values, double room)
    {
        IReadOnlyList<double> ticks = axis.Ticks ?? (axis.Logarithmic ? RoundNumbers.Logarithmic(values) : RoundNumbers.Linear(values));
        double span = Place(axis, values.Max()) - Place(axis, values.Min());
        double last = double.NegativeInfinity;
        NumericManual generator = new();
        for (int i = 0; i < ticks.Count; i++)
        {
            double place = Place(axis, ticks[i]);
            bool fits = axis.Names is not null || place - last >= room * span;
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
