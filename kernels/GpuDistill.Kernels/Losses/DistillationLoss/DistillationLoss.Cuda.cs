using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      as the portable kernel, and made for the memory's limit: student and teacher are read once, 16 bytes at a time, and
//             kept in registers for the passes (range, sums, gradient); the gradient is written once, 16 bytes at a time.
// Math, gradient, edges: see DistillationLoss.Kernel.cs; RowLoss, the task of a row and the totals are the same code.
// Shapes:     rows that are no multiple of 4 long, or in views that do not begin at a multiple of 16 bytes, are read element by
//             element. Rows longer than 32 elements a thread in 256 threads (8192) are read anew in each pass, by few groups at a
//             time, so that the second and third reading find them in the L2 cache.
// Geometry:   1-D groups of at most 256 threads, groups stride over the rows. Threads per row: one per quad up to 32 (a
//             warp, C = 128), then 2, 4 and 8 quads per thread (C = 1024), then more warps (C = 8192).
// Numerics:   fp32, fixed order: four terms, a thread's quads in order, a butterfly of the lanes, the warps in order. e^x is 2^(x
//             log2 e) with the factor folded into 1 / T, ex2.approx in machine code.
// Measured:   nothing yet; no GPU was at hand. Machine code was checked (no spills, 128-bit accesses; GpuDistill.MachineCode), and all
//             of it but the warp shuffles of 32 lanes ran on the CPU accelerator and on OpenCL.
// Reference:  DistillationLoss.Reference.cs
public static partial class DistillationLoss
{
    internal const float Log2E = 1.44269504f;

    // Quads per thread of the row that is kept in registers.
    private const int MostQuads = 8;

    // What the L2 caches of large GPUs hold (A100 40 MB, H100 50 MB), less room for what else passes through.
    private const long CacheBytes = 24 << 20;

    private static CompositeLaunch BindCuda<T, TStorage>(KernelContext context, Arguments<T> arguments)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        PortableWorkspace workspace = new(context.Accelerator, arguments.Rows);
        arguments = workspace.Complete(arguments);
        int columns = arguments.Settings.Columns;
        int groupSize = context.GroupSize(PreferredGroupSize);
        (arguments.TeamSize, int quads) = CudaPlan(columns, groupSize, context.Accelerator.WarpSize);
        int rowsPerGroup = groupSize / arguments.TeamSize;
        int groups = context.GroupsFor(arguments.Rows, rowsPerGroup);
        if (quads == 0)
            groups = (int)Math.Clamp(CacheBytes / (2L * sizeof(float) * columns), 1, groups);
        bool whole = columns % Quad.Length == 0 && IsAligned(arguments.Student) && IsAligned(arguments.Teacher) && IsAligned(arguments.Gradient);
        List<Launch> parts = [];
        if (arguments.Settings.Counts != 0)
            parts.Add(context.Portable(nameof(DistillationLoss), CountKernel, 1, groupSize, arguments));
        parts.Add(context.Portable(
            nameof(DistillationLoss), CudaKernel<T, TStorage>(whole, quads, context.HasShuffles), groups, groupSize, arguments));
        if (arguments.HasTotals + arguments.HasRunning > 0)
            parts.Add(context.Portable(nameof(DistillationLoss), TotalsKernel, 1, groupSize, arguments));
        return new CompositeLaunch(nameof(DistillationLoss), KernelVariant.Cuda, [.. parts], workspace);
    }

    /// <summary>Threads per row, a power of two, and quads per thread, or 0 where a team's registers do not hold a row.</summary>
    internal static (int Team, int Quads) CudaPlan(int columns, int groupSize, int warpSize)
    {
        int needed = (columns + Quad.Length - 1) / Quad.Length;
        int team = 1;
        while (team < Math.Min(groupSize, warpSize) && team < needed)
            team *= 2;
        int quads = 1;
        while (quads < MostQuads && team * quads < needed)
            quads *= 2;
        while (team < groupSize && team * quads < needed)
            team *= 2;
        return (team, team * quads < needed ? 0 : quads);
    }

    private static bool IsAligned<T>(ArrayView<T> view)
        where T : unmanaged =>
        BufferSpan.Of(view).Start % 16 == 0;

    private static Action<Arguments<T>> CudaKernel<T, TStorage>(bool whole, int quads, bool shuffles)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T> =>
        !whole ? CudaKernel<T, SingleElements<T, TStorage>>(quads, shuffles)
        : typeof(TStorage) == typeof(HalfStorage) ? (Action<Arguments<T>>)(object)CudaKernel<ushort, WholeShorts<HalfStorage>>(quads, shuffles)
        : typeof(TStorage) == typeof(BFloat16Storage) ? (Action<Arguments<T>>)(object)CudaKernel<ushort, WholeShorts<BFloat16Storage>>(quads, shuffles)
        : (Action<Arguments<T>>)(object)CudaKernel<float, WholeQuads>(quads, shuffles);

    private static Action<Arguments<T>> CudaKernel<T, TAccess>(int quads, bool shuffles)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> =>
        shuffles ? CudaKernel<T, TAccess, ShuffledReduction>(quads) : CudaKernel<T, TAccess, TreeReduction>(quads);

    private static Action<Arguments<T>> CudaKernel<T, TAccess, TReduction>(int quads)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TReduction : unmanaged, IRowReduction => quads switch
        {
            1 => CudaRowKernel<T, TAccess, QuadRow, TReduction>,
            2 => CudaRowKernel<T, TAccess, DoubleRow<QuadRow>, TReduction>,
            4 => CudaRowKernel<T, TAccess, DoubleRow<DoubleRow<QuadRow>>, TReduction>,
            8 => CudaRowKernel<T, TAccess, DoubleRow<DoubleRow<DoubleRow<QuadRow>>>, TReduction>,
            _ => CudaRowKernel<T, TAccess, StreamedRow, TReduction>,
        };

    [KernelEntry(Variant = KernelVariant.Cuda, Instances = nameof(CudaInstances))]
    internal static void CudaRowKernel<T, TAccess, TRow, TReduction>(Arguments<T> a)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction
    {
        TReduction reduction = default;
        RowTeam team = new(a.TeamSize);
        float softReduction = a.Settings.Counts != 0 ? a.Scales[0] : a.Settings.SoftReduction;
        float hardReduction = a.Settings.Counts != 0 ? a.Scales[1] : a.Settings.HardReduction;
        long step = (long)Grid.DimX * team.RowsPerGroup;
        for (long first = (long)Grid.IdxX * team.RowsPerGroup; first < a.Rows; first += step)
        {
            // Tail rows are computed again by idle teams, so that barriers and shuffles stay uniform, and not stored.
            bool active = first + team.Slot < a.Rows;
            long row = active ? first + team.Slot : a.Rows - 1;
            RowTask task = TaskOf(a, row);
            RowSource<T> source = new()
            {
                Student = a.Student,
                Teacher = a.Teacher,
                StudentStart = row * a.Settings.Columns,
                TeacherStart = (long)task.TeacherRow * a.Settings.Columns,
                Columns = task.Works != 0 ? a.Settings.Columns : 0,
                First = team.Lane * Quad.Length,
                Stride = team.Size * Quad.Length,
                Soft = a.Settings.Soft,
            };
            TRow logits = default;
            logits = logits.Load<T, TAccess>(source, source.First);
            RowLabel label = CudaLabel<T, TAccess>(a, task, source);

            RangePass<T, TAccess> ranges = new() { Columns = a.Settings.Columns };
            RowRange range = logits.Fold<T, TAccess, RowRange, RangePass<T, TAccess>>(source, source.First, EmptyRange(), ranges);
            range = reduction.Union(range, team);
            bool flat = a.Settings.SeeksFlatRows != 0 && RowRange.IsFlat(range, a.Settings.InverseTemperature);
            bool plain = !flat && !(a.Settings.Smoothing > 0);
            RowSums sums = plain
                ? CudaPlainSums<T, TAccess, TRow>(a, source, logits, range, task)
                : CudaGeneralSums<T, TAccess>(a, source, range, task, flat);
            sums = reduction.Add(sums, team);
            sums.StudentMaximum = range.StudentMaximum;
            sums.TeacherMaximum = range.TeacherMaximum;
            sums.Flat = flat ? 1 : 0;
            RowLoss loss = RowLoss.Invalid((InvalidRowReason)task.Reason);
            if (task.Works != 0)
                loss = RowLoss.Of(a.Settings, sums, label, softReduction, hardReduction);
            if (!active)
                continue;
            bool labelled = task.Class >= 0;
            if (team.Lane == 0)
                StoreRow(a, row, loss, labelled, labelled && sums.Earlier == 0 && label.Student == sums.StudentMaximum);
            if (a.HasGradient == 0)
                continue;
            source.Columns = a.Settings.Columns; // a row without an objective has a gradient too: 0
            if (plain)
                CudaPlainGradient<T, TAccess, TRow>(a, source, logits, sums, loss, task);
            else
                CudaGeneralGradient<T, TAccess>(a, source, sums, loss, task);
        }
    }

    // For the catalog: what a CUDA device is given. Trees are for other devices, in tests.
    private static IEnumerable<Type[]> CudaInstances()
    {
        Type[] rows =
        [
            typeof(QuadRow), typeof(DoubleRow<QuadRow>), typeof(DoubleRow<DoubleRow<QuadRow>>),
            typeof(DoubleRow<DoubleRow<DoubleRow<QuadRow>>>), typeof(StreamedRow),
        ];
        foreach (Type row in rows)
        {
            yield return [typeof(float), typeof(WholeQuads), row, typeof(ShuffledReduction)];
            yield return [typeof(ushort), typeof(WholeShorts<HalfStorage>), row, typeof(ShuffledReduction)];
            yield return [typeof(ushort), typeof(WholeShorts<BFloat16Storage>), row, typeof(ShuffledReduction)];
            foreach ((Type element, Type storage) in StorageType.All)
                yield return [element, typeof(SingleElements<,>).MakeGenericType(element, storage), row, typeof(ShuffledReduction)];
        }
    }
}
