using ILGPU;

namespace GpuDistill.Kernels;

// Device code of the matrix product in bf16 on Hopper's warpgroups, shared by all dense operations: CudaGemm with other instructions.
//
// Fused, math, shapes, edges: see CudaGemm.
// Geometry:   a group of two warpgroups per tile (WarpGroupTile). Panels of 64 terms come by asynchronous copies, two steps ahead of their
//             use. Of the four stages one is multiplied, two are filled, and the fourth is the step before, whose products may still be
//             under way: a step's products are waited for only when the next step's have been started, so the tensor cores do not run dry.
// Numerics:   products exact, sums in single precision by the tensor cores in an order of their own, the same every time.
// Measured:   nothing; no GPU was at hand. Tests run it lane by lane and execute its PTX; its machine code was read.
internal static class WarpGroupGemm
{
    private const int Ahead = 2;

    /// <summary>Computes the tile of this group and finishes it.</summary>
    public static void Run<T, TLeft, TRight, TFinish, TColumnSums>(GemmArguments<T> a, TFinish finish, TColumnSums columnSums)
        where T : unmanaged
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T>
        where TFinish : struct, IProductFinish
        where TColumnSums : struct, IColumnSums<TColumnSums>
    {
        InLines<T, TLeft> leftLines = default;
        InLines<T, TRight> rightLines = default;
        ArrayView<Quad> memory = SharedMemory.GetDynamic<Quad>();
        uint start = WarpGroup.Begin(ref memory[0], default(WarpGroupTile).SharedBytes);
        uint address = (start + PanelDescriptor.Alignment - 1) & ~(uint)(PanelDescriptor.Alignment - 1);
        ArrayView<Quad> shared = memory.SubView((int)(address - start) / AsyncCopy.QuadBytes);
        int threads = default(WarpGroupTile).GroupSize;
        int stepTerms = leftLines.PanelTerms;
        int leftQuads = WarpGroupTile.Rows * PanelDescriptor.LineQuads;
        int tileRow = TileBands.Row(a, WarpGroupTile.Rows, WarpGroupTile.Columns);
        int firstRow = tileRow * WarpGroupTile.Rows;
        int firstColumn = TileBands.Column(a, WarpGroupTile.Rows, WarpGroupTile.Columns) * WarpGroupTile.Columns;
        PanelCopy<T, InLines<T, TLeft>> left = PanelCopy<T, InLines<T, TLeft>>.Of(
            a.Left, a.LeftQuads, a.Rows, a.Terms, firstRow, WarpGroupTile.Rows, stepTerms, threads, shared);
        PanelCopy<T, InLines<T, TRight>> right = PanelCopy<T, InLines<T, TRight>>.Of(
            a.Right, a.RightQuads, a.Columns, a.Terms, firstColumn, WarpGroupTile.Columns, stepTerms, threads, shared);

        int steps = (a.Terms + stepTerms - 1) / stepTerms;
        for (int ahead = 0; ahead < Ahead; ahead++)
        {
            if (ahead < steps)
            {
                left.Start(ahead * WarpGroupTile.StageQuads);
                right.Start((ahead * WarpGroupTile.StageQuads) + leftQuads);
            }

            AsyncCopy.Commit();
        }

        ulong leftStart = leftLines.Describe(address, Group.IdxX / WarpGroup.Threads * WarpGroup.Rows);
        ulong rightStart = rightLines.Describe(address + (uint)(leftQuads * AsyncCopy.QuadBytes), 0);
        for (int step = 0; step < steps; step++)
        {
            int stage = step & (WarpGroupTile.Stages - 1);
            uint stageBytes = (uint)(stage * WarpGroupTile.StageQuads * AsyncCopy.QuadBytes);
            AsyncCopy.WaitForAllButTheNewest();
            WarpGroup.ShowCopies();
            Group.Barrier(); // everyone's part of this step has arrived, and the products of the step before the last are done
            Multiply<T, TLeft, TRight>(PanelDescriptor.Further(leftStart, stageBytes), PanelDescriptor.Further(rightStart, stageBytes));
            if (step + Ahead < steps)
            {
                int free = (step + Ahead) & (WarpGroupTile.Stages - 1);
                left.Start(free * WarpGroupTile.StageQuads);
                right.Start((free * WarpGroupTile.StageQuads) + leftQuads);
            }

            AsyncCopy.Commit(); // empty at the end, so that waiting for all but the newest stays right
            if (tileRow == 0)
            {
                Panel panel = new()
                {
                    Shared = shared,
                    Start = (stage * WarpGroupTile.StageQuads) + leftQuads,
                    Rows = WarpGroupTile.Columns,
                };
                columnSums = columnSums.Add<InLines<T, TRight>>(panel, stepTerms);
            }

            WarpGroup.WaitForAllButTheNewest();
        }

        WarpGroup.WaitForAll();
        Group.Barrier(); // the last panels are read, by both warpgroups and for the columns' sums
        Stage(shared, address);
        Group.Barrier(); // the sums are complete
        StagedRows.Finish(
            shared, a, finish, default(RowByRow), WarpGroupTile.Rows, WarpGroupTile.Columns, 1, firstRow, firstColumn, threads);
        if (tileRow == 0)
            columnSums.Store(shared, firstColumn, WarpGroupTile.Columns, a.Columns);
    }

    // The products of a step. Written out, not a loop: nothing is to come between them.
    private static void Multiply<T, TLeft, TRight>(ulong left, ulong right)
        where T : unmanaged
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T>
    {
        InLines<T, TLeft> leftLines = default;
        InLines<T, TRight> rightLines = default;
        WarpGroup.Open();
        WarpGroup.MultiplyAdd(left, right, leftLines.Across, rightLines.Across);
        WarpGroup.MultiplyAdd(leftLines.Further(left, 1), rightLines.Further(right, 1), leftLines.Across, rightLines.Across);
        WarpGroup.MultiplyAdd(leftLines.Further(left, 2), rightLines.Further(right, 2), leftLines.Across, rightLines.Across);
        WarpGroup.MultiplyAdd(leftLines.Further(left, 3), rightLines.Further(right, 3), leftLines.Across, rightLines.Across);
        WarpGroup.Commit();
    }

    // The whole tile, 128 KB, over the stages.
    private static void Stage(ArrayView<Quad> shared, uint address)
    {
        int lane = Group.IdxX & (TensorCore.WarpSize - 1);
        StagedRows staged = new()
        {
            Shared = shared,
            Line = (Group.IdxX / TensorCore.WarpSize * (WarpGroup.Rows / 4)) + (lane >> 2),
            Width = WarpGroupTile.Columns,
        };
        int column = (lane & 3) * 2;
        WarpGroup.StoreSums(
            address + (uint)(staged.Place(0, column) * sizeof(float)),
            address + (uint)(staged.Place(0, column + 8) * sizeof(float)),
            address + (uint)(staged.Place(0, column + 16) * sizeof(float)),
            address + (uint)(staged.Place(0, column + 24) * sizeof(float)));
    }
}
