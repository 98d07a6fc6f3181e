namespace GpuDistill.GpuTimings;

/// <summary>
/// The roofline of the distillation loss, from shapes alone: bytes, since they bind it wherever a row has more than a few dozen classes
/// (docs/design.md has the instructions of shorter rows).
/// </summary>
internal static class LossTraffic
{
    /// <summary>Student and teacher read and gradient written, once each: what the target (85 % of a copy) is about.</summary>
    public static double Bytes(int rows, int columns, int elementSize) => 3.0 * rows * columns * elementSize;

    /// <summary>With what goes with a row: its label, and the index of its teacher row where those are gathered.</summary>
    public static double BytesWithRows(int rows, int columns, int elementSize, bool gathered) =>
        Bytes(rows, columns, elementSize) + ((gathered ? 2.0 : 1.0) * sizeof(int) * rows);

    /// <summary>
    /// A reading in two passes that no cache serves: student and teacher once more. The time of long rows lies between this and the
    /// former, as their second reading finds the L2 cache or does not.
    /// </summary>
    public static double BytesWithoutCache(int rows, int columns, int elementSize) => 5.0 * rows * columns * elementSize;
}
