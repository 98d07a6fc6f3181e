using ScottPlot;
using SkiaSharp;

namespace GpuDistill.Experiments;

/// <summary>
/// The font of all plots, carried in this assembly: text is drawn the same everywhere, also on a machine without any font.
/// </summary>
internal sealed class PlotFont : IFontResolver
{
    public const string Name = "Plot Sans";

    /// <summary>The families that a browser draws the SVG's text with; they have the widths of <see cref="Name"/>.</summary>
    public const string Families = "'Liberation Sans', Arial, Helvetica, sans-serif";

    private static readonly Lazy<PlotFont> Registered = new(() =>
    {
        PlotFont font = new();
        Fonts.FontResolvers.Insert(0, font);
        Fonts.Default = Name;
        return font;
    });

    private readonly SKTypeface _typeface;

    private PlotFont()
    {
        using Stream stream = typeof(PlotFont).Assembly.GetManifestResourceStream("PlotSans-Regular.ttf")!;
        using SKData data = SKData.Create(stream);
        _typeface = SKTypeface.FromData(data);
    }

    /// <summary>Makes ScottPlot use it, once per process.</summary>
    public static void Register() => _ = Registered.Value;

    public SKTypeface CreateTypeface(string fontName, bool bold, bool italic) => _typeface;

    public SKTypeface CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) => _typeface;
}
