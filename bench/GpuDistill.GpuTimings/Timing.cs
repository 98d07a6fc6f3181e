using System.Text.Json;

namespace GpuDistill.GpuTimings;

/// <summary>One measurement.</summary>
/// <param name="Work">What was done, with its shape.</param>
/// <param name="Rows">Rows of logits.</param>
/// <param name="Columns">Classes.</param>
/// <param name="Gathered">Whether the teacher's rows are gathered by index.</param>
/// <param name="Dtype">The type of the logits, as PyTorch calls it.</param>
/// <param name="Variant">The kernel variant.</param>
/// <param name="OursUs">Median time of a launch in microseconds.</param>
/// <param name="ShareOfCopyBandwidth">
/// Student and teacher read and the gradient written, each once, by time, in units of what a copy on the same device reaches.
/// </param>
internal sealed record Timing(
    string Work, int Rows, int Columns, bool Gathered, string Dtype, string Variant, double OursUs, double ShareOfCopyBandwidth)
{
    /// <summary>The same share with what goes with a row counted.</summary>
    public double RowsIncludedShare { get; init; }

    /// <summary>The same share as if long rows were read twice from memory.</summary>
    public double UncachedShare { get; init; }

    public static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };
}
