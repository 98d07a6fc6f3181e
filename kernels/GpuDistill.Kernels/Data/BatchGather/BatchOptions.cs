namespace GpuDistill.Kernels;

/// <summary>The settings of <see cref="BatchGather"/>.</summary>
public sealed record BatchOptions
{
    /// <summary>The seed of order, jitter and dropout.</summary>
    public ulong Seed { get; init; }

    /// <summary>Whether each epoch goes through the rows in an order of its own; off, in the order of their numbers.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>
    /// Whether a batch that reaches the end of an epoch goes on with the next; off, what lies beyond the first pass is row -1,
    /// without label, all zeros.
    /// </summary>
    public bool Wrap { get; init; } = true;

    /// <summary>Shifts each image by up to this many pixels, at least 0, in both directions; what comes in is 0.</summary>
    public int Jitter { get; init; }

    /// <summary>Inverted dropout of the pixels: the share dropped, at least 0 and below 1.</summary>
    public float InputDropout { get; init; }
}
