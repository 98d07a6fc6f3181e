using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Around the pass over the rows, for the variants that are kernels, here and of LogitMatching: before it, with Reduction.Mean, a
// count of the rows and labels; after it the totals. Each is done by groups of a block of rows, and by one group more where there
// are several blocks: one group alone would take each of its threads through 4096 of a million rows.
public static partial class DistillationLoss
{
    private const int RowsPerThread = 4;

    // Terms that a thread sums before it adds them to the sum so far: few additions of a small to a large number.
    private const int SumsPerBlock = 64;

    private static CompositeLaunch Launches<T>(
        KernelContext context, KernelVariant variant, Arguments<T> a, Workspace workspace, params ReadOnlySpan<Launch> rowPasses)
        where T : unmanaged =>
        Launches(nameof(DistillationLoss), context, variant, a, workspace, rowPasses);

    internal static CompositeLaunch Launches<T>(
        string operation,
        KernelContext context,
        KernelVariant variant,
        Arguments<T> a,
        Workspace workspace,
        params ReadOnlySpan<Launch> rowPasses)
        where T : unmanaged
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        int blocks = Blocks(a.Rows, groupSize);
        List<Launch> parts = [];
        if (a.Settings.Counts != 0)
        {
            parts.Add(context.BindKernel(operation, CountKernel, blocks, groupSize, a));
            if (blocks > 1)
                parts.Add(context.BindKernel(operation, ScalesKernel, 1, groupSize, a));
        }

        parts.AddRange(rowPasses);
        if (a.HasTotals + a.HasRunning > 0)
        {
            if (a.HasRecords != 0)
                parts.Add(context.BindKernel(operation, RecordsKernel, a.Partials, groupSize, a));
            if (a.Partials > 1)
                parts.Add(context.BindKernel(operation, TotalsKernel, 1, groupSize, a));
        }

        return new CompositeLaunch(operation, variant, [.. parts], workspace);
    }

    private static int Blocks(int rows, int groupSize) => (rows - 1) / (groupSize * RowsPerThread) + 1;

    // The reductions' scales: 1 over the rows that take part and 1 over the labelled rows' weights.
    [KernelEntry]
    internal static void CountKernel<T>(Arguments<T> a)
        where T : unmanaged
    {
        BatchCounts counts = default;
        long start = (long)Grid.IdxX * Group.DimX * RowsPerThread;
        for (int i = 0; i < RowsPerThread; i++)
        {
            long row = start + (i * Group.DimX) + Group.IdxX;
            if (row < a.Rows)
            {
                RowTask task = TaskOf(a, row);
                counts.Rows += task.Works;
                if (task.Works != 0 && task.Class >= 0)
                    counts.Weights += a.HasClassWeights != 0 ? a.ClassWeights[task.Class] : 1;
            }
        }

        counts = SumOfGroup(counts);
        if (Group.IdxX == 0 && Grid.DimX == 1)
            StoreScales(a, counts);
        else if (Group.IdxX == 0)
            a.BlockCounts[Grid.IdxX] = counts;
    }

    [KernelEntry]
    internal static void ScalesKernel<T>(Arguments<T> a)
        where T : unmanaged
    {
        BatchCounts counts = default;
        for (int block = Group.IdxX; block < a.BlockCounts.IntLength; block += Group.DimX)
        {
            counts.Rows += a.BlockCounts[block].Rows;
            counts.Weights += a.BlockCounts[block].Weights;
        }

        counts = SumOfGroup(counts);
        if (Group.IdxX == 0)
            StoreScales(a, counts);
    }

    // The totals of a block of rows, from their records.
    [KernelEntry]
    internal static void RecordsKernel<T>(Arguments<T> a)
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

    [KernelEntry]
    internal static void TotalsKernel<T>(Arguments<T> a)
        where T : unmanaged
    {
        BatchSums sums = BatchSums.None(a.Rows);
        int block = Group.DimX * SumsPerBlock;
        for (int start = 0; start < a.Partials; start += block)
        {
            int end = XMath.Min(a.Partials - start, block) + start;
            BatchSums part = BatchSums.None(a.Rows);
            for (int i = start + Group.IdxX; i < end; i += Group.DimX)
                part = BatchSums.Add(part, a.BlockSums[i]);
            sums = BatchSums.Add(sums, part);
        }

        sums = SumOfGroup(sums, SharedMemory.Allocate<BatchSums>(RowTeam.MaxGroupSize));
        if (Group.IdxX == 0)
            StoreTotals(a, sums);
    }

    // What a group's threads have of the totals; all of it where there is no other group.
    internal static void StoreGroup<T>(Arguments<T> a, BatchSums sums, ArrayView<BatchSums> scratch)
        where T : unmanaged
    {
        sums = SumOfGroup(sums, scratch);
        if (Group.IdxX == 0 && a.Partials == 1)
            StoreTotals(a, sums);
        else if (Group.IdxX == 0)
            a.BlockSums[Grid.IdxX] = sums;
    }

    private static void StoreScales<T>(Arguments<T> a, BatchCounts counts)
        where T : unmanaged
    {
        a.Scales[0] = counts.Rows > 0 ? 1 / counts.Rows : 0;
        a.Scales[1] = counts.Weights > 0 ? 1 / counts.Weights : 0;
    }

    private static void StoreTotals<T>(Arguments<T> a, BatchSums sums)
        where T : unmanaged
    {
        LossTotals totals = TotalsOf(a, sums, SoftReductionOf(a), HardReductionOf(a));
        if (a.HasTotals != 0)
            a.Totals[0] = totals;
        if (a.HasRunning != 0)
            a.Running[0] = LossTotals.Add(a.Running[0], totals);
    }

    internal static float SoftReductionOf<T>(Arguments<T> a)
        where T : unmanaged =>
        a.Settings.Counts != 0 ? a.Scales[0] : a.Settings.SoftReduction;

    private static float HardReductionOf<T>(Arguments<T> a)
        where T : unmanaged =>
        a.Settings.Counts != 0 ? a.Scales[1] : a.Settings.HardReduction;

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

    internal struct BatchCounts
    {
        public float Rows;
        public float Weights;
    }
}
