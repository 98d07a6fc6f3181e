using ScottPlot;

namespace GpuDistill.Experiments;

/// <summary>
/// The colours of a plot by their part in it. ScottPlot draws with marker colours that occur nowhere else; they are then replaced
/// by the CSS variables of the report, so that a plot follows light and dark, or by plain colours for a file of its own.
/// </summary>
internal static class ChartColors
{
    private static readonly (string Marker, string Variable, string Plain)[] Parts =
    [
        ("#A10101", "--ink", "#1c2024"),
        ("#A10203", "--muted", "#5b646d"),
        ("#A10305", "--grid", "#dfe3e7"),
        ("#A10407", "--paper", "#ffffff"),
        ("#A10509", "--series-1", "#0b62a8"),
        ("#A1060B", "--series-2", "#b8460b"),
        ("#A1070D", "--series-3", "#1a7a54"),
        ("#A1080F", "--series-4", "#7d45a3"),
        ("#A10911", "--series-5", "#8a6a00"),
    ];

    public static Color Ink => Color.FromHex(Parts[0].Marker);

    public static Color Muted => Color.FromHex(Parts[1].Marker);

    public static Color Grid => Color.FromHex(Parts[2].Marker);

    public static Color Paper => Color.FromHex(Parts[3].Marker);

    /// <summary>The colour of the n-th series, from 0; they begin again after five.</summary>
    public static Color Series(int index) => Color.FromHex(Parts[4 + (index % (Parts.Length - 4))].Marker);

    /// <summary>With the report's variables.</summary>
    public static string ToVariables(string svg) => Replace(svg, part => $"var({part.Variable})");

    /// <summary>With the colours of the light report.</summary>
    public static string ToPlain(string svg) => Replace(svg, part => part.Plain);

    private static string Replace(string svg, Func<(string Marker, string Variable, string Plain), string> color)
    {
        foreach ((string Marker, string Variable, string Plain) part in Parts)
            svg = svg.Replace(part.Marker, color(part), StringComparison.OrdinalIgnoreCase);
        return svg;
    }
}
