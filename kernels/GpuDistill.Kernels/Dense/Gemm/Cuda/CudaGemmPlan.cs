namespace GpuDistill.Kernels;

/// <summary>The tiles that there are; each is an <see cref="ICudaTile"/>, and the first the <see cref="WarpGroupTile"/>.</summary>
internal enum CudaTileKind
{
    WarpGroup,
    Huge,
    Large,
    Medium,
    Small,
}

/// <summary>Which tile a product gets, and how many there are.</summary>
/// <param name="Kind">The tile.</param>
/// <param name="Groups">One group per tile.</param>
internal readonly record struct CudaGemmPlan(CudaTileKind Kind, int Groups)
{
    // Speeds are multiply-adds per time relative to the fastest tile: estimates, not measurements. On tensor cores: the time of an
    // instruction against that of its operands through shared memory at 128 bytes a cycle, copies included, whichever is longer, at
    // 650 multiply-adds a cycle in TF32 (taken for an H100's by mma.sync, not measured); in bf16 a word has twice the terms and both are the same.
    private static readonly Tile[] TensorTiles =
    [
        new(CudaTileKind.Huge, 128, 256, 1),
        new(CudaTileKind.Large, 128, 128, 0.78),
        new(CudaTileKind.Medium, 64, 64, 0.52),
        new(CudaTileKind.Small, 32, 32, 0.39),
    ];

    // A step of 64 terms of a tile takes 1024 cycles at 2048 multiply-adds a cycle (an H100's published 989 TFLOP/s in bf16, 132
    // multiprocessors at 1.83 GHz) and as many for its operands through shared memory: 8 instructions read 10 KB each, and 48 KB are copied.
    // That against 1300 multiply-adds a cycle of the huge tile: 1.57. Both reckoned, neither measured.
    private static readonly Tile[] WarpGroupTiles = [new(CudaTileKind.WarpGroup, WarpGroupTile.Rows, WarpGroupTile.Columns, 1.57), .. TensorTiles];

    // Here a multiplication costs as much as a read, and large blocks of registers have no room for more groups.
    private static readonly Tile[] ExactTiles =
    [
        new(CudaTileKind.Large, 128, 128, 1),
        new(CudaTileKind.Medium, 64, 64, 0.75),
        new(CudaTileKind.Small, 32, 32, 0.5),
    ];

    /// <summary>The tile of a product on tensor cores.</summary>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="multiprocessors">The device's.</param>
    /// <param name="forced">Takes this tile all the same.</param>
    public static CudaGemmPlan Tensor(int rows, int columns, int multiprocessors, CudaTileKind? forced = null) =>
        Best(TensorTiles, rows, columns, multiprocessors, forced);

    /// <summary>The same on a device that has warpgroups too, in bf16.</summary>
    public static CudaGemmPlan WarpGroups(int rows, int columns, int multiprocessors, CudaTileKind? forced = null) =>
        Best(WarpGroupTiles, rows, columns, multiprocessors, forced);

    /// <summary>The tile of an exact product, which has no huge one; the rest as with <see cref="Tensor"/>.</summary>
    public static CudaGemmPlan Exact(int rows, int columns, int multiprocessors, CudaTileKind? forced = null) =>
        Best(ExactTiles, rows, columns, multiprocessors, forced == CudaTileKind.Huge ? CudaTileKind.Large : forced);

    // The tile with which the busiest multiprocessor is done first. Large products get large tiles, which read least; small ones
    // get enough tiles to keep all multiprocessors busy.
    private static CudaGemmPlan Best(Tile[] tiles, int rows, int columns, int multiprocessors, CudaTileKind? forced)
    {
        CudaGemmPlan best = default;
        double least = double.PositiveInfinity;
        foreach (Tile tile in tiles)
        {
            long groups = (long)GemmPlan.Ceiling(rows, tile.Rows) * GemmPlan.Ceiling(columns, tile.Columns);
            long rounds = (groups + multiprocessors - 1) / multiprocessors;
            double time = (double)rounds * tile.Rows * tile.Columns / tile.Speed;
            if (time < least && (forced ?? tile.Kind) == tile.Kind)
            {
                least = time;
                best = new CudaGemmPlan(tile.Kind, checked((int)groups));
            }
        }

        return best;
    }

    private sealed record Tile(CudaTileKind Kind, int Rows, int Columns, double Speed);
}
