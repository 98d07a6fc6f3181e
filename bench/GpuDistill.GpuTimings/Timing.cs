namespace GpuDistill.GpuTimings;

/// <summary>One measurement, or what kept it from being made.</summary>
/// <param name="Kind">What was timed: loss, step, product or dense.</param>
/// <param name="Work">What was done, with its shape.</param>
/// <param name="Dtype">The type of the elements as PyTorch calls it; of products on tensor cores in single precision, tf32.</param>
internal sealed record Timing(string Kind, string Work, string Dtype)
{
    /// <summary>What was found wrong, or went wrong; then there are no figures.</summary>
    public string? Failure { get; init; }

    /// <summary>The device's name.</summary>
    public string? Device { get; init; }

    /// <summary>The kernel variant.</summary>
    public string? Variant { get; init; }

    /// <summary>The tile in which a CUDA product is cut; <c>WarpGroup</c> is Hopper's warpgroups (wgmma), all others are warps (mma.sync).</summary>
    public string? Tile { get; init; }

    /// <summary>Rows of logits or of a batch, or of a product.</summary>
    public int? Rows { get; init; }

    /// <summary>Classes, or outputs of a layer, or columns of a product.</summary>
    public int? Columns { get; init; }

    /// <summary>Products per sum, or inputs of a layer.</summary>
    public int? Terms { get; init; }

    /// <summary>Whether the teacher's rows are gathered by index; of a loss.</summary>
    public bool? Gathered { get; init; }

    /// <summary>Whether the left factor lies in memory transposed; of a product, as the next.</summary>
    public bool? TransposeLeft { get; init; }

    public bool? TransposeRight { get; init; }

    /// <summary>Which of a dense layer's passes: forward, backward input or backward weights.</summary>
    public string? Pass { get; init; }

    /// <summary>Sizes of a network's layers; of a step.</summary>
    public IReadOnlyList<int>? Layers { get; init; }

    /// <summary>How a step was submitted: as one recorded graph, or launch by launch.</summary>
    public string? Submission { get; init; }

    /// <summary>Median time of one run in microseconds.</summary>
    public double? OursUs { get; init; }

    /// <summary>What submitting one run takes of the host; where it is as long as the run, the host may be what limits it.</summary>
    public double? HostUs { get; init; }

    /// <summary>Runs between the two ends of a timing.</summary>
    public int? RunsPerRound { get; init; }

    /// <summary>What lies in the buffers that runs take in turns: below some 100 MB, caches may hold part of it.</summary>
    public double? MegabytesInTurns { get; init; }

    /// <summary>What is read and written, each once, by time, in units of what a copy on the same device reaches.</summary>
    public double? ShareOfCopyBandwidth { get; init; }

    /// <summary>The same share with what goes with a row counted; of a loss, as the next.</summary>
    public double? RowsIncludedShare { get; init; }

    /// <summary>The same share as if long rows were read twice from memory.</summary>
    public double? UncachedShare { get; init; }

    /// <summary>Two operations per product of two elements, by time.</summary>
    public double? TeraFlops { get; init; }

    /// <summary>This with what a clock found.</summary>
    public Timing With(Measured measured) => this with
    {
        OursUs = measured.Seconds * 1e6,
        HostUs = measured.HostSeconds * 1e6,
        RunsPerRound = measured.RunsPerRound,
    };

    public override string ToString()
    {
        string name = $"{Work} {Dtype}";
        if (Failure is not null)
            return $"{name}: FAILED: {Failure}";
        string[] figures =
        [
            $"{OursUs:F1} us",
            $"host {HostUs:F1} us",
            ShareOfCopyBandwidth is { } share ? $"{share:P0} of the copy bandwidth" : "",
            RowsIncludedShare is { } rows ? $"{rows:P0} with labels and indices" : "",
            UncachedShare is { } uncached ? $"{uncached:P0} if read twice" : "",
            TeraFlops is { } flops ? $"{flops:F2} TFLOP/s" : "",
            Variant ?? "",
            Tile is null ? "" : $"tile {Tile}",
        ];
        return $"{name}: {string.Join(", ", figures.Where(figure => figure.Length > 0))}";
    }
}
