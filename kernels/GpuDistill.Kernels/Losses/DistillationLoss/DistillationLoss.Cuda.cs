using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      as the portable kernel, and made for the memory's limit: student and teacher are read once, 16 bytes at a time, and
//             kept in registers for the passes (range, sums, gradient), from the sums on as what the gradient is made of: the student's
//             logits less their maximum, and the teacher's exponentials. The gradient is written once, 16 bytes at a time.
// Math, gradient, edges: see DistillationLoss.Kernel.cs; RowLoss, the task of a row and the totals are the same code.
// Shapes:     here C from 41 to 8192; fewer classes go in slabs, more in parts (Cuda.Slab.cs, Cuda.Parts.cs). Rows that are no multiple of
//             4 long, or in views that do not begin at a multiple of 16 bytes, are read element by element, and go in parts from
//             4097 elements on.
// Geometry:   1-D groups of at most 256 threads, groups stride over the rows. Threads per row: CudaPlan.
// Numerics:   fp32, fixed order: four terms, a thread's quads in order, a butterfly of the lanes, the warps in order. e^x is 2^(x
//             log2 e) with the factor folded into 1 / T, ex2.approx in machine code.
// Measured:   nothing; no GPU was at hand. Its PTX is executed in the tests (GpuDistill.PtxMachine), and its machine code was checked (no
//             spills, 128-bit accesses; GpuDistill.MachineCode).
// Reference:  DistillationLoss.Reference.cs
public static partial class DistillationLoss
{
    internal const float Log2E = 1.44269504f;

    private static CompositeLaunch BindCuda<T, TStorage>(KernelContext context, LossArguments<T> arguments)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        int columns = arguments.Settings.Columns;
        bool whole = columns % Quad.Length == 0 && LossArguments.AreAligned(arguments);
        int groupSize = context.GroupSize(PreferredGroupSize);
        CudaPlan plan = CudaPlan.Of(
            columns, whole, context.GroupSize(SlabRow.GroupSize), groupSize, context.Accelerator.WarpSize);
        if (plan.IsSlab)
            return BindSlabs<T, TStorage>(context, arguments, plan);
        if (plan.Parts > 1)
            return BindParts<T, TStorage>(context, arguments, plan, whole);
        LossWorkspace workspace = LossWorkspace.ForRecords(context, ref arguments);
        arguments.TeamSize = plan.Team;
        int groups = context.GroupsFor(arguments.Rows, groupSize / plan.Team);
        return BatchLaunches.Around(nameof(DistillationLoss), context, KernelVariant.Cuda, arguments, workspace, () => context.BindKernel(
            nameof(DistillationLoss), ChooseRowKernel<T, TStorage>(context, whole, plan.Quads), groups, groupSize, arguments));
    }

    private static Action<LossArguments<T>> ChooseRowKernel<T, TStorage>(KernelContext context, bool whole, int quads)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T> =>
        !whole ? ChooseRowReduction<T, SingleElements<T, TStorage>, FewFilledRow>(context)
        : typeof(TStorage) == typeof(HalfStorage) ? (Action<LossArguments<T>>)(object)ChooseRowQuads<ushort, WholeShorts<HalfStorage>>(context, quads)
        : typeof(TStorage) == typeof(BFloat16Storage) ? (Action<LossArguments<T>>)(object)ChooseRowQuads<ushort, WholeShorts<BFloat16Storage>>(context, quads)
        : (Action<LossArguments<T>>)(object)ChooseRowQuads<float, WholeQuads>(context, quads);

    private static Action<LossArguments<T>> ChooseRowQuads<T, TAccess>(KernelContext context, int quads)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> =>
        quads == default(FewFilledRow).Quads
            ? ChooseRowReduction<T, TAccess, FewFilledRow>(context)
            : ChooseRowReduction<T, TAccess, ManyFilledRow>(context);

    private static Action<LossArguments<T>> ChooseRowReduction<T, TAccess, TRow>(KernelContext context)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow> =>
        context.HasFixedWarps ? CudaRowKernel<T, TAccess, TRow, ShuffledReduction> : CudaRowKernel<T, TAccess, TRow, TreeReduction>;

    [KernelEntry(
        Variant = KernelVariant.Cuda, GroupsPerMultiprocessor = GroupsPerMultiprocessor, DropsRacingReads = true, Instances = nameof(RowInstances))]
    internal static void CudaRowKernel<T, TAccess, TRow, TReduction>(LossArguments<T> a)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction
    {
        RowTeam team = new(a.TeamSize);
        LossBatch batch = BatchOf(a);
        long step = (long)Grid.DimX * team.RowsPerGroup;
        for (long first = (long)Grid.IdxX * team.RowsPerGroup; first < a.Rows; first += step)
        {
            // Tail rows are computed again by idle teams, so that barriers and shuffles stay uniform, and not stored.
            bool active = first + team.Slot < a.Rows;
            long row = active ? first + team.Slot : a.Rows - 1;
            RowTask task = RowTask.Of(a, row);
            RowSource<T> source = RowTask.SourceOf(a, team, row, task);
            TRow logits = LogitRow.Load<T, TAccess, TRow>(source);
            RowLabel label = LabelOf<T, TAccess>(batch, task, source);
            Changed<TRow, RowSums> terms = SumsOf<T, TAccess, TRow, TReduction>(batch, task, source, logits, label, team);
            RowSums sums = terms.State;
            RowLoss loss = LossOf(batch, task, sums, label);
            if (!active)
                continue;
            if (team.Lane == 0)
                RowRecord.Store(a, row, RowLoss.RecordOf(loss, task.Class >= 0, sums.IsRight != 0));
            if (a.HasGradient == 0)
                continue;
            source.Columns = a.Settings.Columns;
            GradientTarget<T> target = new() { Gradient = a.Gradient, Start = source.StudentStart, Columns = source.Columns };
            StoreGradientOfTerms<T, TAccess, TRow>(batch, task, source, terms.Now, sums, loss, target);
        }
    }

    // For the catalog: what a CUDA device is given. Trees are for other devices, in tests.
    private static IEnumerable<Type[]> RowInstances()
    {
        foreach (Type row in (Type[])[typeof(FewFilledRow), typeof(ManyFilledRow)])
        {
            yield return [typeof(float), typeof(WholeQuads), row, typeof(ShuffledReduction)];
            yield return [typeof(ushort), typeof(WholeShorts<HalfStorage>), row, typeof(ShuffledReduction)];
            yield return [typeof(ushort), typeof(WholeShorts<BFloat16Storage>), row, typeof(ShuffledReduction)];
        }

        foreach ((Type element, Type storage) in StorageType.All)
            yield return [element, typeof(SingleElements<,>).MakeGenericType(element, storage), typeof(FewFilledRow), typeof(ShuffledReduction)];
    }
}
