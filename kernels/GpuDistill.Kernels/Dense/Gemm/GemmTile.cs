using ILGPU;

namespace GpuDistill.Kernels;

// Device code of the portable matrix product, shared by all dense operations.
//
// Fused:      what follows the product is applied by the caller while the tile is in shared memory.
// Math:       c[r, j] = sum_p a[r, p] b[p, j]
// Shapes:     op(Left) [Rows x Terms], op(Right) [Terms x Columns], Result [Rows x Columns].
// Geometry:   1-D groups of a power of two of threads, seen as a grid of about as many rows as columns; a thread sums 4 x 4
//             elements in registers, spread over the tile at the distance of the grid, so that neighbouring threads read and
//             write neighbouring columns. 256 threads: tiles of 64 x 64. Groups stride over the tiles.
// Numerics:   fp32; a sum is one chain in the order of p, whatever the tile.
// Edges:      rows, columns and terms beyond the matrix are read as 0 and never stored.
internal static class GemmTile
{
    /// <summary>Elements of a tile that a thread sums.</summary>
    public const int PerThread = 16;

    /// <summary>Shared memory: two panels of operands, then the tile of sums.</summary>
    public const int ScratchFloats = PreferredGroupSize * PerThread;

    private const int PreferredGroupSize = 256;
    private const int Side = 4;

    /// <summary>Fixes the geometry (host side); returns the groups and their size.</summary>
    public static (int Groups, int GroupSize) Plan(KernelContext context, ref GemmArguments<float> a)
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        a.ThreadColumns = 1;
        while (a.ThreadColumns * a.ThreadColumns < groupSize)
            a.ThreadColumns *= 2;
        // Small groups belong to ILGPU's CPU accelerator, whose barriers are dear: they get long panels and few barriers.
        a.TileTerms = groupSize >= 64 ? 16 : groupSize >= 16 ? 64 : 128;
        int tileRows = groupSize / a.ThreadColumns * Side;
        int tileColumns = a.ThreadColumns * Side;
        long tiles = (long)GemmPlan.Ceiling(a.Rows, tileRows) * GemmPlan.Ceiling(a.Columns, tileColumns);
        return (context.GroupsFor(tiles, 1), groupSize);
    }

    /// <summary>The number of tiles.</summary>
    public static long Tiles(GemmArguments<float> a) => (long)((a.Rows + TileRows(a) - 1) / TileRows(a)) * TilesAcross(a);

    /// <summary>The row of the i-th element of this thread's part of a tile; may be beyond the matrix.</summary>
    public static int Row(GemmArguments<float> a, long tile, int i) =>
        ((int)(tile / TilesAcross(a)) * TileRows(a)) + (Group.IdxX / a.ThreadColumns) + (i / Side * ThreadRows(a));

    /// <summary>The column of the i-th element of this thread's part of a tile; may be beyond the matrix.</summary>
    public static int Column(GemmArguments<float> a, long tile, int i) =>
        ((int)(tile % TilesAcross(a)) * TileColumns(a)) + (Group.IdxX % a.ThreadColumns) + (i % Side * a.ThreadColumns);

    /// <summary>The value of the i-th element of this thread's part of the tile computed last.</summary>
    public static float Value(ArrayView<float> scratch, int i) => scratch[(i * Group.DimX) + Group.IdxX];

    /// <summary>The first column of a tile.</summary>
    public static int FirstColumn(GemmArguments<float> a, long tile) => (int)(tile % TilesAcross(a)) * TileColumns(a);

    /// <summary>Whether the tile is in the first row of tiles.</summary>
    public static bool IsInFirstRow(GemmArguments<float> a, long tile) => tile < TilesAcross(a);

    /// <summary>Columns of a tile.</summary>
    public static int TileColumns(GemmArguments<float> a) => a.ThreadColumns * Side;

    /// <summary>Computes a tile into the scratch, where each thread reads only what it wrote. All threads must call it.</summary>
    public static void Compute(GemmArguments<float> a, long tile, ArrayView<float> scratch)
    {
        int firstRow = (int)(tile / TilesAcross(a)) * TileRows(a);
        int firstColumn = FirstColumn(a, tile);
        // One float more per term, so that storing a column of a panel does not hit one bank of shared memory.
        int leftWidth = TileRows(a) + 1;
        int rightWidth = TileColumns(a) + 1;
        int rightStart = leftWidth * a.TileTerms;
        int rowStep = ThreadRows(a);
        int columnStep = a.ThreadColumns;
        int threadRow = Group.IdxX / columnStep;
        int threadColumn = Group.IdxX % columnStep;
        float c00 = 0, c01 = 0, c02 = 0, c03 = 0;
        float c10 = 0, c11 = 0, c12 = 0, c13 = 0;
        float c20 = 0, c21 = 0, c22 = 0, c23 = 0;
        float c30 = 0, c31 = 0, c32 = 0, c33 = 0;
        for (int first = 0; first < a.Terms; first += a.TileTerms)
        {
            Group.Barrier(); // the panels before, or the tile before, may still be read
            LoadLeft(a, firstRow, first, scratch, leftWidth);
            LoadRight(a, firstColumn, first, scratch, rightStart, rightWidth);
            Group.Barrier(); // the panels are complete
            int count = a.Terms - first < a.TileTerms ? a.Terms - first : a.TileTerms;
            int left = threadRow;
            int right = rightStart + threadColumn;
            for (int p = 0; p < count; p++)
            {
                float a0 = scratch[left];
                float a1 = scratch[left + rowStep];
                float a2 = scratch[left + (2 * rowStep)];
                float a3 = scratch[left + (3 * rowStep)];
                float b0 = scratch[right];
                float b1 = scratch[right + columnStep];
                float b2 = scratch[right + (2 * columnStep)];
                float b3 = scratch[right + (3 * columnStep)];
                c00 += a0 * b0;
                c01 += a0 * b1;
                c02 += a0 * b2;
                c03 += a0 * b3;
                c10 += a1 * b0;
                c11 += a1 * b1;
                c12 += a1 * b2;
                c13 += a1 * b3;
                c20 += a2 * b0;
                c21 += a2 * b1;
                c22 += a2 * b2;
                c23 += a2 * b3;
                c30 += a3 * b0;
                c31 += a3 * b1;
                c32 += a3 * b2;
                c33 += a3 * b3;
                left += leftWidth;
                right += rightWidth;
            }
        }

        Group.Barrier(); // the panels are read for the last time
        int place = Group.IdxX;
        int step = Group.DimX;
        scratch[place] = c00;
        scratch[place + step] = c01;
        scratch[place + (2 * step)] = c02;
        scratch[place + (3 * step)] = c03;
        scratch[place + (4 * step)] = c10;
        scratch[place + (5 * step)] = c11;
        scratch[place + (6 * step)] = c12;
        scratch[place + (7 * step)] = c13;
        scratch[place + (8 * step)] = c20;
        scratch[place + (9 * step)] = c21;
        scratch[place + (10 * step)] = c22;
        scratch[place + (11 * step)] = c23;
        scratch[place + (12 * step)] = c30;
        scratch[place + (13 * step)] = c31;
        scratch[place + (14 * step)] = c32;
        scratch[place + (15 * step)] = c33;
    }

    private static int ThreadRows(GemmArguments<float> a) => Group.DimX / a.ThreadColumns;

    private static int TileRows(GemmArguments<float> a) => ThreadRows(a) * Side;

    private static int TilesAcross(GemmArguments<float> a) => (a.Columns + TileColumns(a) - 1) / TileColumns(a);

    // Neighbouring threads read neighbouring addresses, whichever way the operand lies.
    private static void LoadLeft(GemmArguments<float> a, int firstRow, int firstTerm, ArrayView<float> scratch, int width)
    {
        int rows = width - 1;
        for (int i = Group.IdxX; i < rows * a.TileTerms; i += Group.DimX)
        {
            int row = a.TransposeLeft != 0 ? i % rows : i / a.TileTerms;
            int term = a.TransposeLeft != 0 ? i / rows : i % a.TileTerms;
            int r = firstRow + row;
            int p = firstTerm + term;
            float value = 0;
            if (r < a.Rows && p < a.Terms)
                value = a.Left[a.TransposeLeft != 0 ? ((long)p * a.Rows) + r : ((long)r * a.Terms) + p];
            scratch[(term * width) + row] = value;
        }
    }

    private static void LoadRight(
        GemmArguments<float> a, int firstColumn, int firstTerm, ArrayView<float> scratch, int start, int width)
    {
        int columns = width - 1;
        for (int i = Group.IdxX; i < columns * a.TileTerms; i += Group.DimX)
        {
            int column = a.TransposeRight != 0 ? i / a.TileTerms : i % columns;
            int term = a.TransposeRight != 0 ? i % a.TileTerms : i / columns;
            int c = firstColumn + column;
            int p = firstTerm + term;
            float value = 0;
            if (c < a.Columns && p < a.Terms)
                value = a.Right[a.TransposeRight != 0 ? ((long)c * a.Terms) + p : ((long)p * a.Columns) + c];
            scratch[start + (term * width) + column] = value;
        }
    }
}
