using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace GpuDistill.Cli;

/// <summary>Results as JSON: camelCase, indented, one newline at the end.</summary>
internal static class JsonText
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // it goes to files and pipes, not into web pages
        NewLine = "\n",
        WriteIndented = true,
    };

    public static string Of<T>(T result) => JsonSerializer.Serialize(result, Options) + "\n";

    /// <summary>A measured value; JSON has no NaN, so what was not measured is left out.</summary>
    public static double? Measured(double value) => double.IsFinite(value) ? value : null;

    /// <summary>Seconds to the millisecond.</summary>
    public static double Seconds(TimeSpan time) => Math.Round(time.TotalSeconds, 3);
}
