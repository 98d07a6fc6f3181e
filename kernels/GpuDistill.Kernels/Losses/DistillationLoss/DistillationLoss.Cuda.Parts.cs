using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      as DistillationLoss.Cuda.cs, for rows longer than a group's registers hold (C > 8192): a row is done in parts, first the
//             sums of each, relative to the part's own maxima, then, by the group that finishes the last of them, the row's sums and
//             losses (an online softmax by parts; Milakov and Gimelshein 2018), then the gradient of each part.
// Order:      groups take tickets. Ticket after ticket the parts of row n are summed and the gradients of row n - lag written. The lag
//             is about twice the parts that are under way at a time, so that a row's sums are there when its gradient is due, and yet
//             its logits still in the L2 cache: what lies between two readings is a matter of the groups under way, not of the
//             length of the rows. Per element of fp32 12 bytes pass through global memory, against 20 with one group per row from
//             about 6 million elements under way on.
// Waiting:    sums wait for nothing, a gradient only for sums with lower tickets, which groups that run have taken: no group waits for one
//             that has not begun, however few run at a time.
// Visibility: when a group's threads have done a part, and passed a barrier, one of them passes a fence and counts the part by an atomic
//             addition; who has seen the count passes a fence, and its group a barrier, before the group reads the sums, or writes
//             gradients where they lie over logits that others have read.
// Shapes:     single elements are not kept in registers but read again for each pass, from the first-level cache, which holds a part.
// Numerics:   within a part as ever; parts in order, those of a thread first. Which group does what changes no bit.
// Edges:      a part may be all -infinity. Flat rows, and rows where infinite logits spoil the sums of parts, are read once more by the
//             group of the row's last part, with the row's range known.
// Measured:   nothing yet: that the second reading finds the cache, and the target (85 % of a copy), are arithmetic.
public static partial class DistillationLoss
{
    // Groups of 256 threads with up to 128 registers that a multiprocessor holds.
    private const int GroupsPerMultiprocessor = 2;

    internal struct PartArguments<T>
        where T : unmanaged
    {
        public LossArguments<T> Loss;

        // [Rows x Parts]
        public ArrayView<RowPart> Sums;

        // [Rows]
        public ArrayView<RowOutcome> Outcomes;

        // The next ticket, then for each row how many parts are summed, and one more when its losses are there.
        public ArrayView<int> Counters;
        public int Parts;
        public int PartColumns;

        // In rows.
        public int Lag;
    }

    /// <summary>The sums of a part of a row, relative to its own maxima, and its range.</summary>
    internal struct RowPart
    {
        public RowSums Sums;
        public RowRange Range;
    }

    /// <summary>What a row's gradient needs.</summary>
    internal struct RowOutcome
    {
        public RowSums Sums;
        public RowLoss Loss;
    }

    private static CompositeLaunch BindParts<T, TStorage>(KernelContext context, LossArguments<T> arguments, CudaPlan plan, bool whole)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        LossWorkspace workspace = LossWorkspace.ForRecords(context, ref arguments);
        arguments.TeamSize = plan.Team;
        long underWay = (long)GroupsPerMultiprocessor * Math.Max(1, context.Accelerator.NumMultiprocessors);
        int groups = (int)Math.Min(underWay, 2L * arguments.Rows * plan.Parts);
        PartArguments<T> parts = new()
        {
            Loss = arguments,
            Sums = workspace.Allocate<RowPart>((long)arguments.Rows * plan.Parts),
            Outcomes = workspace.Allocate<RowOutcome>(arguments.Rows),
            Counters = workspace.Allocate<int>(1L + arguments.Rows),
            Parts = plan.Parts,
            PartColumns = plan.PartColumns,
            Lag = (groups / plan.Parts) + 1,
        };
        return BatchLaunches.Around(
            nameof(DistillationLoss),
            context,
            KernelVariant.Cuda,
            arguments,
            workspace,
            () => context.BindKernel(nameof(DistillationLoss), ClearKernel, BatchLaunches.Blocks(parts.Counters.IntLength, plan.Team), plan.Team, parts),
            () => context.BindKernel(nameof(DistillationLoss), ChoosePartKernel<T, TStorage>(context, whole), groups, plan.Team, parts));
    }

    private static Action<PartArguments<T>> ChoosePartKernel<T, TStorage>(KernelContext context, bool whole)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T> =>
        !whole ? ChoosePartReduction<T, SingleElements<T, TStorage>, StreamedRow>(context)
        : typeof(TStorage) == typeof(HalfStorage) ? (Action<PartArguments<T>>)(object)ChoosePartReduction<ushort, WholeShorts<HalfStorage>, ManyQuadsRow>(context)
        : typeof(TStorage) == typeof(BFloat16Storage) ? (Action<PartArguments<T>>)(object)ChoosePartReduction<ushort, WholeShorts<BFloat16Storage>, ManyQuadsRow>(context)
        : (Action<PartArguments<T>>)(object)ChoosePartReduction<float, WholeQuads, ManyQuadsRow>(context);

    private static Action<PartArguments<T>> ChoosePartReduction<T, TAccess, TRow>(KernelContext context)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow> =>
        context.HasFixedWarps ? CudaPartKernel<T, TAccess, TRow, ShuffledReduction> : CudaPartKernel<T, TAccess, TRow, TreeReduction>;

    [KernelEntry(Variant = KernelVariant.Cuda)]
    internal static void ClearKernel<T>(PartArguments<T> p)
        where T : unmanaged
    {
        for (int i = (Grid.IdxX * Group.DimX) + Group.IdxX; i < p.Counters.IntLength; i += Grid.DimX * Group.DimX)
            p.Counters[i] = 0;
    }

    [KernelEntry(Variant = KernelVariant.Cuda, GroupsPerMultiprocessor = GroupsPerMultiprocessor, Instances = nameof(PartInstances))]
    internal static void CudaPartKernel<T, TAccess, TRow, TReduction>(PartArguments<T> p)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(1);
        int ticketsPerRow = 2 * p.Parts; // and so many rows of logits that tickets pass 2^31 have no memory
        int tickets = (p.Loss.Rows + p.Lag) * ticketsPerRow;
        for (int ticket = GroupCount.Next(p.Counters, 0, shared); ticket < tickets; ticket = GroupCount.Next(p.Counters, 0, shared))
        {
            int row = ticket / ticketsPerRow;
            int part = ticket - (row * ticketsPerRow);
            if (part < p.Parts && row < p.Loss.Rows)
                SumPart<T, TAccess, TRow, TReduction>(p, row, part, shared);
            else if (part >= p.Parts && row >= p.Lag && p.Loss.HasGradient != 0)
                StorePart<T, TAccess, TRow>(p, row - p.Lag, part - p.Parts);
        }
    }

    private static void SumPart<T, TAccess, TRow, TReduction>(PartArguments<T> p, int row, int part, ArrayView<int> shared)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction
    {
        TReduction reduction = default;
        RowTeam team = new(Group.DimX);
        LossBatch batch = BatchOf(p.Loss);
        RowTask task = RowTask.Of(p.Loss, row);
        RowSource<T> source = SourceOfPart(p, team, row, task, part);
        TRow logits = LogitRow.Load<T, TAccess, TRow>(source);
        RowRange range = reduction.Union(RangeOf<T, TAccess, TRow>(batch, task, source, logits), team, batch.Settings.SeeksFlatRows);
        RowSums sums = PartialSums<T, TAccess, TRow>(batch, task, source, logits, range);
        sums = reduction.Add(sums, team, batch.Settings.Smoothing);
        if (team.Lane == 0)
            p.Sums[((long)row * p.Parts) + part] = new RowPart { Sums = sums, Range = range };
        if (GroupCount.Arrive(p.Counters, 1 + row, shared) == p.Parts - 1)
            FinishRow<T, TAccess, TReduction>(p, team, batch, row, task);
    }

    private static void FinishRow<T, TAccess, TReduction>(PartArguments<T> p, RowTeam team, LossBatch batch, int row, RowTask task)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TReduction : unmanaged, IRowReduction
    {
        TReduction reduction = default;
        long first = (long)row * p.Parts;
        RowRange range = RowRange.Empty;
        for (int part = team.Lane; part < p.Parts; part += team.Size)
            range = RowRange.Union(range, p.Sums[first + part].Range);
        range = reduction.Union(range, team, batch.Settings.SeeksFlatRows);
        RowSums sums = default;
        for (int part = team.Lane; part < p.Parts; part += team.Size)
        {
            sums = RowSums.Add(sums, RowSums.Raise(
                p.Sums[first + part].Sums, range.StudentMaximum, range.TeacherMaximum, batch.Settings.InverseTemperature));
        }

        sums = reduction.Add(sums, team, batch.Settings.Smoothing);
        RowSource<T> source = RowTask.SourceOf(p.Loss, team, row, task);
        bool flat = batch.Settings.SeeksFlatRows != 0 && RowRange.IsFlat(range, batch.Settings.InverseTemperature);
        if (flat || !RowSums.IsFinite(sums))
            sums = reduction.Add(GeneralSums<T, TAccess>(batch, task, source, range, flat), team, batch.Settings.Smoothing);
        RowLabel label = LabelOf<T, TAccess>(batch, task, source);
        sums = RowSums.Complete(sums, range, flat, label);
        RowLoss loss = LossOf(batch, task, sums, label);
        if (team.Lane == 0)
        {
            RowRecord.Store(p.Loss, row, RowLoss.RecordOf(loss, task.Class >= 0, sums.IsRight != 0));
            p.Outcomes[row] = new RowOutcome { Sums = sums, Loss = loss };
        }

        Group.Barrier(); // all have read what the gradient may take the place of
        GroupFence.Pass(team.Lane);
        if (team.Lane == 0)
            Atomic.Add(ref p.Counters[1 + row], 1);
    }

    private static void StorePart<T, TAccess, TRow>(PartArguments<T> p, int row, int part)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        RowTeam team = new(Group.DimX);
        RowTask task = RowTask.Of(p.Loss, row);
        RowSource<T> source = SourceOfPart(p, team, row, task, part);
        TRow logits = default;
        logits = logits.Read<T, TAccess>(source, source.First); // on their way while the row's losses are waited for
        if (team.Lane == 0)
        {
            while (Atomic.Add(ref p.Counters[1 + row], 0) <= p.Parts)
            {
                // a group that runs is about to add the last
            }
        }

        GroupFence.Pass(team.Lane);
        Group.Barrier();
        RowOutcome outcome = p.Outcomes[row];
        GradientTarget<T> target = new() { Gradient = p.Loss.Gradient, Start = source.StudentStart, Columns = p.Loss.Settings.Columns };
        source.Columns = EndOfPart(p, part);
        StoreGradient<T, TAccess, TRow>(BatchOf(p.Loss), task, source, logits.Widen<T, TAccess>(), outcome.Sums, outcome.Loss, target);
    }

    private static RowSource<T> SourceOfPart<T>(PartArguments<T> p, RowTeam team, int row, RowTask task, int part)
        where T : unmanaged
    {
        RowSource<T> source = RowTask.SourceOf(p.Loss, team, row, task);
        source.First += part * p.PartColumns;
        source.Columns = task.Works != 0 ? EndOfPart(p, part) : 0;
        return source;
    }

    private static int EndOfPart<T>(PartArguments<T> p, int part)
        where T : unmanaged =>
        XMath.Min(p.Loss.Settings.Columns, (part + 1) * p.PartColumns);

    // For the catalog: what a CUDA device is given.
    private static IEnumerable<Type[]> PartInstances()
    {
        yield return [typeof(float), typeof(WholeQuads), typeof(ManyQuadsRow), typeof(ShuffledReduction)];
        yield return [typeof(ushort), typeof(WholeShorts<HalfStorage>), typeof(ManyQuadsRow), typeof(ShuffledReduction)];
        yield return [typeof(ushort), typeof(WholeShorts<BFloat16Storage>), typeof(ManyQuadsRow), typeof(ShuffledReduction)];
        foreach ((Type element, Type storage) in StorageType.All)
            yield return [element, typeof(SingleElements<,>).MakeGenericType(element, storage), typeof(StreamedRow), typeof(ShuffledReduction)];
    }
}
