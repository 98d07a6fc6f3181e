namespace GpuDistill.GpuTimings;

/// <summary>One shape of the loss.</summary>
internal readonly record struct LossWork(int Rows, int Columns, bool Gathered = false)
{
    /// <summary>
    /// The shapes that have a target, and beside them one of each other way that the CUDA variant goes: gathered rows of few classes, rows
    /// of 100, and long rows of an odd length, which are read element by element.
    /// </summary>
    public static IReadOnlyList<LossWork> All { get; } =
    [
        new(1 << 20, 10), new(65_536, 1000), new(8192, 32_000), new(8192, 128_256),
        new(1 << 20, 10, Gathered: true), new(1 << 18, 100), new(8192, 50_257),
    ];

    public override string ToString() => $"[{Rows} x {Columns}]{(Gathered ? ", gathered" : "")}";
}
