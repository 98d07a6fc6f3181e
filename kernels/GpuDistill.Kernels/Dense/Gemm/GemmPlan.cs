namespace GpuDistill.Kernels;

/// <summary>
/// How the CPU's matrix product cuts its work: a grid of workers over the result, blocks of terms and columns that fit the
/// caches, and whether operands are packed or read in place. Speed only: no choice here changes a bit of the result.
/// </summary>
internal readonly record struct GemmPlan
{
    // The block of the right operand that a worker packs, BlockTerms x BlockColumns floats, stays in its second-level cache
    // (Zen 4: 1 MB); a panel of the left operand, 8 x BlockTerms floats, in the first-level cache.
    private const int BlockTerms = 512;
    private const int BlockColumns = 192;

    // The left operand is packed once, by all workers, unless it is larger than this; then in chunks of rows.
    private const long LeftFloats = 4 << 20;

    // Up to this many columns each element of the left operand is read too few times to repay packing.
    private const int DirectLeftColumns = 64;

    // Up to this many panels of rows the same holds for the right operand.
    private const int DirectRightPanels = 2;

    private const int TileVectors = 3;

    public GemmPlan(in GemmOperands g, int workers, int tileRows, int width)
    {
        int rowPanels = Ceiling(g.Rows, tileRows);
        int vectors = Ceiling(g.Columns, width);
        (RowParts, ColumnParts) = Grid(rowPanels, vectors, workers);
        Terms = Ceiling(g.Terms, Ceiling(g.Terms, BlockTerms));
        Columns = Math.Min(BlockColumns, vectors * width);
        DirectLeft = g.Columns <= DirectLeftColumns && !Conflicts(g.LeftRow == 1 ? g.LeftStep : g.LeftRow);
        DirectRight = g.RightColumn == 1 && rowPanels <= DirectRightPanels;
        long panels = Math.Max(1, LeftFloats / ((long)tileRows * g.Terms));
        ChunkRows = (int)Math.Min(panels, rowPanels) * tileRows;
    }

    /// <summary>Workers along the rows of the result.</summary>
    public int RowParts { get; }

    /// <summary>Workers along its columns; <see cref="RowParts"/> * <see cref="ColumnParts"/> of them have work.</summary>
    public int ColumnParts { get; }

    /// <summary>Terms of a block of the right operand.</summary>
    public int Terms { get; }

    /// <summary>Columns of a block of the right operand: a multiple of every tile and of a dropout block of 64.</summary>
    public int Columns { get; }

    /// <summary>Rows whose left operand is packed at a time, a multiple of the tile's.</summary>
    public int ChunkRows { get; }

    /// <summary>Whether the left operand is read in place, but for the tile at its edge.</summary>
    public bool DirectLeft { get; }

    /// <summary>Whether the right operand is read in place, but for the tile at its edge.</summary>
    public bool DirectRight { get; }

    public static int Ceiling(int a, int b) => (int)(((long)a + b - 1) / b);

    // The grid whose busiest worker has the least work. Unit: one vector of columns of one panel of rows. A tile costs one more,
    // and packing the right operand, which workers on the same columns all do, as much as two panels.
    private static (int Rows, int Columns) Grid(int rowPanels, int vectors, int workers)
    {
        (int Rows, int Columns) best = (1, 1);
        long least = long.MaxValue;
        for (int rows = 1; rows <= workers; rows++)
        {
            int columns = workers / rows;
            int across = Ceiling(vectors, columns);
            long work = (Ceiling(rowPanels, rows) + 2L) * (across + Ceiling(across, TileVectors));
            if (work < least)
            {
                least = work;
                best = (rows, columns);
            }
        }

        return best;
    }

    // Rows at a distance of a multiple of 2 KB fall into the same few sets of a first-level cache and push each other out.
    private static bool Conflicts(nint stride) => stride % 512 == 0;
}
