using System.Text.Json;
using System.Text.Json.Serialization;

namespace GpuDistill.GpuTimings;

/// <summary>One measurement.</summary>
/// <param name="Work">What was done, with its shape.</param>
/// <param name="Rows">Rows of logits, or of a product.</param>
/// <param name="Columns">Classes, or columns of a product.</param>
/// <param name="Gathered">Whether the teacher's rows are gathered by index.</param>
/// <param name="Dtype">The type of the logits as PyTorch calls it; of a product float32 or tf32.</param>
/// <param name="Variant">The kernel variant.</param>
/// <param name="OursUs">Median time of a launch in microseconds.</param>
/// <param name="ShareOfCopyBandwidth">
/// What is read and written, each once, by time, in units of what a copy on the same device reaches.
/// </param>
internal sealed record Timing(
    string Work, int Rows, int Columns, bool Gathered, string Dtype, string Variant, double OursUs, double ShareOfCopyBandwidth)
{
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    /// <summary>The same share with what goes with a row counted; of a loss only, as the next.</summary>
    public double? RowsIncludedShare { get; init; }

    /// <summary>The same share as if long rows were read twice from memory.</summary>
    public double? UncachedShare { get; init; }

    /// <summary>Products per sum; of a matrix product only, as what follows.</summary>
    public int? Terms { get; init; }

    public bool? TransposeLeft { get; init; }

    public bool? TransposeRight { get; init; }

    /// <summary>Two operations per product of two elements, by time.</summary>
    public double? TeraFlops { get; init; }
}
