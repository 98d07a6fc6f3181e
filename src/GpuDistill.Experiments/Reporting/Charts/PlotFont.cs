using ScottPlot;
using SkiaSharp;

namespace GpuDistill.Experiments;

/// <summary>
/// The font of all plots, carried in this assembly: text is drawn the same everywhere, also on a machine without any font.
/// </summary>
internal sealed class PlotFont : IFontResolver
{
    public const string Name = "Plot Sans";

    /// <summary>The families that the SVG's text is drawn with: the font itself where a page brings it, else one of its widths.</summary>
    public const string Families = "'Plot Sans', 'Liberation Sans', Arial, Helvetica, sans-serif";

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
        using SKData data = SKData.CreateCopy(Bytes());
        _typeface = SKTypeface.FromData(data);
    }

    /// <summary>The CSS rule that brings the font along with a page.</summary>
    public static string FontFace =>
        $"@font-face {{ font-family: \"{Name}\"; src: url(data:font/ttf;base64,{Convert.ToBase64String(Bytes())}); }}";

    /// <summary>Makes ScottPlot use it, once per process.</summary>
    public static void Register() => _ = Registered.Value;

    public SKTypeface CreateTypeface(string fontName, bool bold, bool italic) => _typeface;

    public SKTypeface CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) => _typeface;

    private static byte[] Bytes()
    {
        using Stream stream = typeof(PlotFont).Assembly.GetManifestResourceStream("PlotSans-Regular.ttf")!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
