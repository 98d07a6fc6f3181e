namespace GpuDistill.Kernels;

/// <summary>The tiles that there are; each is an <see cref="ICudaTile"/>.</summary>
internal enum CudaTileKind
{
    Large,
    Medium,
    Small,
}

/// <summary>Which tile a product gets, and its launch.</summary>
/// <param name="Kind">The tile.</param>
/// <param name="Groups">One group per tile.</param>
/// <param name="GroupSize">Threads.</param>
internal readonly record struct CudaGemmPlan(CudaTileKind Kind, int Groups, int GroupSize)
{
    // The side of a tile, its threads, and its speed in multiply-adds per time relative to the large one's: an estimate from the
    // reads of shared memory and of the second-level cache per multiply-add, not a measurement.
    private static readonly (CudaTileKind Kind, int Side, int Threads, double Speed)[] Tiles =
        [(CudaTileKind.Large, 128, 256, 1), (CudaTileKind.Medium, 64, 256, 0.75), (CudaTileKind.Small, 32, 128, 0.5)];

    /// <summary>
    /// The tile with which the busiest multiprocessor is done first. Large products get large tiles, which read least; small ones
    /// get enough tiles to keep all multiprocessors busy.
    /// </summary>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="multiprocessors">The device's.</param>
    /// <param name="forced">Takes this tile all the same.</param>
    public static CudaGemmPlan Of(int rows, int columns, int multiprocessors, CudaTileKind? forced = null)
    {
        CudaGemmPlan best = default;
        double least = double.PositiveInfinity;
        foreach ((CudaTileKind kind, int side, int threads, double speed) in Tiles)
        {
            long groups = (long)GemmPlan.Ceiling(rows, side) * GemmPlan.Ceiling(columns, side);
            long rounds = (groups + multiprocessors - 1) / multiprocessors;
            double time = rounds * side * side / speed;
            if (time < least && (forced ?? kind) == kind)
            {
                least = time;
                best = new CudaGemmPlan(kind, checked((int)groups), threads);
            }
        }

        return best;
    }
}
