using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Where sums of a tile go for the operation's last pass: a line of floats per row, whose groups of 8 are exchanged by two bits of the
/// line's number, so that lanes that store at the same time do not meet in a bank. A device struct.
/// </summary>
internal struct StagedRows
{
    /// <summary>Rows of a block that are staged at a time: one for each g = lane / 4.</summary>
    public const int BlockLines = 8;

    // Elements at this distance share a draw of random words; see Philox.
    private const int DrawDistance = 16;
    private const int DrawColumns = 64;

    public ArrayView<Quad> Shared;

    /// <summary>This lane's line of the warp's first block, and the floats of a line.</summary>
    public int Line, Width;

    /// <summary>The warp's first column.</summary>
    public int Column;

    /// <summary>Where a column of the warp's blocks stands.</summary>
    public readonly int Place(int blockDown, int column) => Place(Line + (blockDown * BlockLines), Width, Column + column);

    /// <summary>
    /// Hands the sums of the lines to the operation, so that stores to global memory run along rows and one draw of random words
    /// serves four elements. Slices of terms are added in order.
    /// </summary>
    public static void Finish<T, TFinish, TRows>(
        ArrayView<Quad> shared,
        GemmArguments<T> a,
        TFinish finish,
        TRows rows,
        int lines,
        int width,
        int slices,
        int firstRow,
        int firstColumn,
        int threads)
        where T : unmanaged
        where TFinish : struct, IProductFinish
        where TRows : struct, IStagedOrder
    {
        int drawColumns = width < DrawColumns ? width : DrawColumns;
        int drawsPerLine = width / drawColumns * DrawDistance;
        for (int i = Group.IdxX; i < lines * drawsPerLine; i += threads)
        {
            int line = i / drawsPerLine;
            int first = ((i & (drawsPerLine - 1)) / DrawDistance * drawColumns) + (i & (DrawDistance - 1));
            int row = firstRow + rows.RowOf(line);
            if ((row >= a.Rows) | (firstColumn + first >= a.Columns))
                continue;
            Philox.Words words = finish.Draw(row, firstColumn + first);
            for (int column = first; column < first + drawColumns; column += DrawDistance)
            {
                if (firstColumn + column >= a.Columns)
                    continue;
                float sum = 0;
                for (int s = 0; s < slices; s++)
                    sum += shared.Cast<float>()[Place((s * lines) + line, width, column)];
                finish.Store(row, firstColumn + column, sum, words);
            }
        }
    }

    private static int Place(int line, int width, int column) => (line * width) + (column ^ ((line & 3) << 3));
}

/// <summary>Device code: which row of the tile a staged line is.</summary>
internal interface IStagedOrder
{
    int RowOf(int line);
}

/// <summary>One after the other.</summary>
internal readonly struct RowByRow : IStagedOrder
{
    public int RowOf(int line) => line;
}

/// <summary>A quarter of the rows of each block of 32.</summary>
internal struct QuarterBlocks<TSums> : IStagedOrder
    where TSums : struct, IWarpSums<TSums>
{
    public int Round;

    public readonly int RowOf(int line) =>
        (line / StagedRows.BlockLines * GemmStep.BlockSide) + default(TSums).RowOf(line & (StagedRows.BlockLines - 1), Round);
}
