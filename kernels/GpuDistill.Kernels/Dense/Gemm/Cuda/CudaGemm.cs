using ILGPU;

namespace GpuDistill.Kernels;

// Device code of the CUDA matrix product, shared by all dense operations.
//
// Fused:      what follows the product is applied by TFinish to sums in shared memory; column sums of the right operand are made
//             of the panels at hand.
// Math:       c[r, j] = sum_p a[r, p] b[p, j]
// Shapes:     op(Left) [Rows x Terms], op(Right) [Terms x Columns], result [Rows x Columns].
// Geometry:   a group of 4 or 8 warps per tile (ICudaTile, chosen by CudaGemmPlan), tiles in bands (TileBands). Panels come by
//             asynchronous copies of 16 bytes, two steps ahead of their use (three stages, 48 KB, of the huge tile
//             72); element by element where an operand's rows do not begin at multiples of 16 bytes.
// Numerics:   TSums has the precision. Order fixed: a warp adds its terms slice by slice, then slices are added in order. Tensor cores
//             add the products of an instruction in an order of their own, the same every time.
// Edges:      rows, columns and terms beyond the matrix are zero-filled copies, and never stored.
// Measured:   nothing; no GPU was at hand. Tests run it lane by lane and execute its PTX; its machine code was read.
internal static class CudaGemm
{
    private const int Stages = 3;
    private const int Rounds = GemmStep.BlockSide / StagedRows.BlockLines;

    /// <summary>Computes the tile of this group and finishes it.</summary>
    public static void Run<T, TTile, TSums, TLeft, TRight, TFinish, TColumnSums>(
        GemmArguments<T> a, TFinish finish, TColumnSums columnSums)
        where T : unmanaged
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T>
        where TFinish : struct, IProductFinish
        where TColumnSums : struct, IColumnSums<TColumnSums>
    {
        TTile tile = default;
        TSums sums = default;
        ArrayView<Quad> shared = SharedMemory.GetDynamic<Quad>();
        int tileRows = TileRows<TTile, TSums>();
        int tileColumns = TileColumns<TTile, TSums>();
        int leftQuads = tileRows * tile.Slices * GemmStep.SliceQuads;
        int sliceTerms = GemmStep.SliceQuads * default(TLeft).PerQuad;
        int stepTerms = tile.Slices * sliceTerms;
        int threads = tile.GroupSize;
        int tileRow = TileBands.Row(a, tileRows, tileColumns);
        int firstRow = tileRow * tileRows;
        int firstColumn = TileBands.Column(a, tileRows, tileColumns) * tileColumns;

        int warp = Group.IdxX / TensorCore.WarpSize;
        int lane = Group.IdxX & (TensorCore.WarpSize - 1);
        int slice = warp / (tile.WarpsDown * tile.WarpsAcross);
        int warpRow = (warp / tile.WarpsAcross) & (tile.WarpsDown - 1);
        int warpColumn = warp & (tile.WarpsAcross - 1);
        GemmStep work = new()
        {
            Left = new Panel { Shared = shared, Rows = tileRows },
            Right = new Panel { Shared = shared, Rows = tileColumns },
            Row = warpRow * sums.BlocksDown * GemmStep.BlockSide,
            Column = warpColumn * sums.BlocksAcross * GemmStep.BlockSide,
            Term = slice * sliceTerms,
            Lane = lane,
            Slice = slice,
        };
        work.LeftPlaces = default(TLeft).LeftPlaces(tileRows, work.Row, work.Term, lane);
        work.RightPlaces = default(TRight).RightPlaces(tileColumns, work.Column, work.Term, lane);
        PanelCopy<T, TLeft> left = PanelCopy<T, TLeft>.Of(
            a.Left, a.LeftQuads, a.Rows, a.Terms, firstRow, tileRows, stepTerms, threads, shared);
        PanelCopy<T, TRight> right = PanelCopy<T, TRight>.Of(
            a.Right, a.RightQuads, a.Columns, a.Terms, firstColumn, tileColumns, stepTerms, threads, shared);

        int stageQuads = tile.SharedBytes / AsyncCopy.QuadBytes / Stages;
        int steps = (a.Terms + stepTerms - 1) / stepTerms;
        for (int ahead = 0; ahead < Stages - 1; ahead++)
        {
            if (ahead < steps)
            {
                left.Start(ahead * stageQuads);
                right.Start((ahead * stageQuads) + leftQuads);
            }

            AsyncCopy.Commit();
        }

        int stage = 0;
        for (int step = 0; step < steps; step++)
        {
            AsyncCopy.WaitForAllButTheNewest();
            Group.Barrier(); // everyone's part of this step has arrived, and the stage that is filled next is read
            int free = stage == 0 ? Stages - 1 : stage - 1;
            if (step + Stages - 1 < steps)
            {
                left.Start(free * stageQuads);
                right.Start((free * stageQuads) + leftQuads);
            }

            AsyncCopy.Commit(); // empty at the end, so that waiting for all but the newest stays right
            work.Left.Start = stage * stageQuads;
            work.Right.Start = work.Left.Start + leftQuads;
            sums = sums.Add<TLeft, TRight>(work);
            if (tileRow == 0)
                columnSums = columnSums.Add<TRight>(work.Right, stepTerms);
            stage = stage == Stages - 1 ? 0 : stage + 1;
        }

        Finish<T, TTile, TSums, TFinish>(a, finish, sums, work, firstRow, firstColumn, threads);
        if (tileRow == 0)
            columnSums.Store(shared, firstColumn, tileColumns, a.Columns);
    }

    // A quarter of the tile at a time: 8 rows of each block go to shared memory, where slices are added and any thread can
    // take any element, so that stores to global memory run along rows and one draw of random words serves four elements.
    private static void Finish<T, TTile, TSums, TFinish>(
        GemmArguments<T> a, TFinish finish, TSums sums, GemmStep work, int firstRow, int firstColumn, int threads)
        where T : unmanaged
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums>
        where TFinish : struct, IProductFinish
    {
        TTile tile = default;
        ArrayView<Quad> shared = work.Left.Shared;
        int width = work.Right.Rows;
        int lines = work.Left.Rows / Rounds;
        StagedRows staged = new()
        {
            Shared = shared,
            Line = (work.Slice * lines) + (work.Row / Rounds) + (work.Lane >> 2),
            Width = width,
            Column = work.Column,
        };
        for (int round = 0; round < Rounds; round++)
        {
            Group.Barrier(); // the last panels, or the quarter before, are read
            sums.Stage(staged, round);
            Group.Barrier(); // the quarter is complete
            QuarterBlocks<TSums> rows = new() { Round = round };
            StagedRows.Finish(shared, a, finish, rows, lines, width, tile.Slices, firstRow, firstColumn, threads);
        }
    }

    private static int TileRows<TTile, TSums>()
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums> =>
        default(TTile).WarpsDown * default(TSums).BlocksDown * GemmStep.BlockSide;

    private static int TileColumns<TTile, TSums>()
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums> =>
        default(TTile).WarpsAcross * default(TSums).BlocksAcross * GemmStep.BlockSide;
}
