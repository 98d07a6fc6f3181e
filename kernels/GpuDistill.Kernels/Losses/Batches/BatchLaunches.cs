using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Around the pass over the rows, for the variants of losses that are kernels: before it, with Reduction.Mean, a count of the rows
// and labels; after it the totals. Each is done by groups of a block of rows, since one group alone would take each of
// its threads through 4096 of a million rows; and the group that is done last adds up the blocks, in their order, whichever it is.
//
// Visibility: a group's first thread writes its block's sum, counts the group by an atomic addition behind a fence, and passes another
// before the group that has counted the last reads the blocks (GroupCount). The last group leaves the count at 0 for the next run. Runs
// of one launch follow each other (Launch): they write the same totals.
internal static class BatchLaunches
{
    // Threads of a group, where the device has so many.
    private const int PreferredGroupSize = 256;

    private const int RowsPerThread = 4;

    // Terms that a thread sums before it adds them to the sum so far: few additions of a small to a large number.
    private const int SumsPerBlock = 64;

    /// <summary>
    /// The passes over the rows with what goes before and after them. They are bound here, so that a kernel that does not load takes the
    /// workspace along.
    /// </summary>
    public static CompositeLaunch Around<T>(
        string operation,
        KernelContext context,
        KernelVariant variant,
        LossArguments<T> a,
        LossWorkspace workspace,
        params ReadOnlySpan<Func<Launch>> rowPasses)
        where T : unmanaged
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        int blocks = BlocksOf(context, a.Rows);
        List<Launch> parts = [];
        try
        {
            if (a.Settings.Counts != 0)
                parts.Add(context.BindKernel(operation, CountKernel, blocks, groupSize, a));
            foreach (Func<Launch> bind in rowPasses)
                parts.Add(bind());
            if (a.HasRecords != 0 && a.HasTotals + a.HasRunning > 0)
                parts.Add(context.BindKernel(operation, RecordsKernel, blocks, groupSize, a));
            return new CompositeLaunch(operation, variant, [.. parts], workspace);
        }
        catch
        {
            workspace.Dispose();
            throw;
        }
    }

    /// <summary>Blocks of rows, each summed by a group.</summary>
    public static int BlocksOf(KernelContext context, int rows) => Blocks(rows, context.GroupSize(PreferredGroupSize));

    /// <summary>Blocks of as many items as a group takes.</summary>
    public static int Blocks(int rows, int groupSize) => (rows - 1) / (groupSize * RowsPerThread) + 1;

    // The reductions' scales: 1 over the rows that take part and 1 over the labelled rows' weights.
    [KernelEntry]
    internal static void CountKernel<T>(LossArguments<T> a)
        where T : unmanaged
    {
        BatchCounts counts = default;
        long start = (long)Grid.IdxX * Group.DimX * RowsPerThread;
        for (int i = 0; i < RowsPerThread; i++)
        {
            long row = start + (i * Group.DimX) + Group.IdxX;
            if (row < a.Rows)
            {
                RowTask task = RowTask.Of(a, row);
                counts.Rows += task.Works;
                if (task.Works != 0 && task.Class >= 0)
                {
                    float weight = a.HasClassWeights != 0 ? a.ClassWeights[task.Class] : 1;
                    counts.Weights += FloatBits.IsWeight(weight) ? weight : 0;
                }
            }
        }

        counts = SumOfGroup(counts);
        if (Grid.DimX > 1)
        {
            if (Group.IdxX == 0)
                a.BlockCounts[Grid.IdxX] = counts;
            if (!GroupCount.IsLast(a.Finished))
                return;
            counts = default;
            for (int block = Group.IdxX; block < Grid.DimX; block += Group.DimX)
            {
                counts.Rows += a.BlockCounts[block].Rows;
                counts.Weights += a.BlockCounts[block].Weights;
            }

            counts = SumOfGroup(counts);
        }

        if (Group.IdxX == 0)
            StoreScales(a, counts);
    }

    // The totals of a block of rows, from their records.
    [KernelEntry]
    internal static void RecordsKernel<T>(LossArguments<T> a)
        where T : unmanaged
    {
        BatchSums sums = BatchSums.None(a.Rows);
        long start = (long)Grid.IdxX * Group.DimX * RowsPerThread;
        for (int i = 0; i < RowsPerThread; i++)
        {
            long row = start + (i * Group.DimX) + Group.IdxX;
            if (row < a.Rows)
                sums = BatchSums.Add(sums, BatchSums.Of(a.Records[row], (int)row, a.Rows));
        }

        StoreGroup(a, sums, SharedMemory.Allocate<BatchSums>(RowTeam.MaxGroupSize));
    }

    /// <summary>Adds what a group's threads have of the totals to what the others have.</summary>
    public static void StoreGroup<T>(LossArguments<T> a, BatchSums sums, ArrayView<BatchSums> scratch)
        where T : unmanaged
    {
        sums = SumOfGroup(sums, scratch);
        if (Grid.DimX > 1)
        {
            if (Group.IdxX == 0)
                a.BlockSums[Grid.IdxX] = sums;
            if (!GroupCount.IsLast(a.Finished))
                return;
            sums = SumOfGroup(SumOfBlocks(a), scratch);
        }

        if (Group.IdxX == 0)
            StoreTotals(a, sums);
    }

    private static BatchSums SumOfBlocks<T>(LossArguments<T> a)
        where T : unmanaged
    {
        BatchSums sums = BatchSums.None(a.Rows);
        int some = Group.DimX * SumsPerBlock;
        for (int start = 0; start < Grid.DimX; start += some)
        {
            int end = XMath.Min(Grid.DimX - start, some) + start;
            BatchSums part = BatchSums.None(a.Rows);
            for (int i = start + Group.IdxX; i < end; i += Group.DimX)
                part = BatchSums.Add(part, a.BlockSums[i]);
            sums = BatchSums.Add(sums, part);
        }

        return sums;
    }

    private static void StoreScales<T>(LossArguments<T> a, BatchCounts counts)
        where T : unmanaged
    {
        a.Scales[0] = counts.Rows > 0 ? 1 / counts.Rows : 0;
        a.Scales[1] = counts.Weights > 0 ? 1 / counts.Weights : 0;
    }

    private static void StoreTotals<T>(LossArguments<T> a, BatchSums sums)
        where T : unmanaged
    {
        LossTotals totals = BatchSums.TotalsOf(a, sums, LossArguments.SoftReductionOf(a), LossArguments.HardReductionOf(a));
        if (a.HasTotals != 0)
            a.Totals[0] = totals;
        if (a.HasRunning != 0)
            a.Running[0] = LossTotals.Add(a.Running[0], totals);
    }

    private static BatchCounts SumOfGroup(BatchCounts counts)
    {
        TreeReduction reduction = default;
        RowTeam group = new(Group.DimX);
        counts.Rows = reduction.Join<float, Sum>(counts.Rows, group);
        counts.Weights = reduction.Join<float, Sum>(counts.Weights, group);
        return counts;
    }

    // A tree; the sum is right in the first thread.
    private static BatchSums SumOfGroup(BatchSums sums, ArrayView<BatchSums> scratch)
    {
        scratch[Group.IdxX] = sums;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (Group.IdxX < half)
                scratch[Group.IdxX] = BatchSums.Add(scratch[Group.IdxX], scratch[Group.IdxX + half]);
            Group.Barrier();
        }

        return scratch[0];
    }
}
