namespace GpuDistill.Kernels;

/// <summary>
/// 128 x 256 by two warpgroups, each 64 x 256: the largest product that there is, which reads the fewest bytes of shared memory for
/// each multiplication. Four stages of 48 KB, and what it takes to begin at a multiple of 1024 bytes.
/// </summary>
internal readonly struct WarpGroupTile : ILaunchBounds
{
    public const int Rows = 2 * WarpGroup.Rows;
    public const int Columns = WarpGroup.Columns;
    public const int Stages = 4;

    /// <summary>Terms of a stage: a line of bf16.</summary>
    public const int StepTerms = PanelDescriptor.LineBytes / sizeof(ushort);

    public int GroupSize => Rows / WarpGroup.Rows * WarpGroup.Threads;

    public int GroupsPerMultiprocessor => 1;

    public int SharedBytes => (Stages * StageQuads * AsyncCopy.QuadBytes) + PanelDescriptor.Alignment;

    /// <summary>Quads of a stage: both panels.</summary>
    public static int StageQuads => (Rows + Columns) * PanelDescriptor.LineQuads;
}
