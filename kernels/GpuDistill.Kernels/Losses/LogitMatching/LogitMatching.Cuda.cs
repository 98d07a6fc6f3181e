using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      as the portable kernel, and made for the memory's limit: student and teacher are read and the gradient is written once, 16
//             bytes at a time, up to 8192 classes.
// Geometry:   CudaPlan, as for TemperatureSoftmax: slabs of rows of few classes through shared memory (Slab), each row then in the registers
//             of one, two or four threads; a row in the registers of 4 to 256 threads; longer ones (from 4097 on where elements are
//             read one by one) by a whole group, which reads them a second time, from the L2 cache where that holds the rows under
//             way (so few groups are launched for these that 50 MB do up to 23,000 classes).
// Shapes:     a teacher's rows that are gathered come to a slab one by one, each by its own threads, element by element.
// Numerics:   as the portable kernel, with a butterfly of the lanes and the warps in order. The number of slab groups follows from the rows
//             alone, so the totals' bits do not depend on the device.
// Measured:   nothing; no GPU was at hand. Its PTX is executed in the tests (GpuDistill.PtxMachine), its machine code was checked.
public static partial class LogitMatching
{
    // Several waves on the largest GPUs, and few enough that one group adds up their totals in no time.
    private const int MostSlabGroups = 2048;

    // Of 256 threads each, for rows that are read twice.
    private const int GroupsPerMultiprocessor = 2;

    internal struct SlabArguments
    {
        public Arguments Matching;
        public Slab Slab;
        public int Slabs;
    }

    private static CompositeLaunch BindCuda(KernelContext context, Arguments arguments)
    {
        bool whole = IsWhole(arguments);
        int groupSize = context.GroupSize(PreferredGroupSize);
        int slabGroupSize = context.GroupSize(Slab.GroupSize);
        CudaPlan plan = CudaPlan.Of(arguments.Loss.Settings.Columns, whole, slabGroupSize, groupSize, context.Accelerator.WarpSize);
        arguments.Loss.TeamSize = plan.Team;
        if (plan.IsSlab)
            return BindSlabs(context, arguments, slabGroupSize);
        LossWorkspace workspace = LossWorkspace.ForRecords(context, ref arguments.Loss);
        int groups = context.GroupsFor(arguments.Loss.Rows, groupSize / plan.Team);
        if (plan.Parts > 1)
            groups = Math.Min(groups, GroupsPerMultiprocessor * Math.Max(1, context.Accelerator.NumMultiprocessors));
        Action<Arguments> rowKernel =
            !whole ? ChooseRowKernel<SingleElements<float, FloatStorage>, FewQuadsRow>(context.HasFixedWarps)
            : plan.Quads == default(FewQuadsRow).Quads ? ChooseRowKernel<WholeQuads, FewQuadsRow>(context.HasFixedWarps)
            : ChooseRowKernel<WholeQuads, ManyQuadsRow>(context.HasFixedWarps);
        return BatchLaunches.Around(nameof(LogitMatching), context, KernelVariant.Cuda, arguments.Loss, workspace, () => context.BindKernel(
            nameof(LogitMatching), rowKernel, groups, groupSize, arguments));
    }

    private static Action<Arguments> ChooseRowKernel<TAccess, TRow>(bool shuffles)
        where TAccess : unmanaged, IQuadAccess<float>
        where TRow : struct, ILogitRow<TRow> =>
        shuffles ? CudaRowKernel<TAccess, TRow, ShuffledReduction> : CudaRowKernel<TAccess, TRow, TreeReduction>;

    [KernelEntry(Variant = KernelVariant.Cuda, DropsRacingReads = true, Instances = nameof(RowInstances))]
    internal static void CudaRowKernel<TAccess, TRow, TReduction>(Arguments arguments)
        where TAccess : unmanaged, IQuadAccess<float>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction =>
        MatchRows<TAccess, TRow, TReduction>(arguments);

    private static CompositeLaunch BindSlabs(KernelContext context, Arguments arguments, int groupSize)
    {
        int rowsPerSlab = groupSize / arguments.Loss.TeamSize;
        int count = ((arguments.Loss.Rows - 1) / rowsPerSlab) + 1;
        int groups = Math.Min(MostSlabGroups, count);
        bool isAligned = LossArguments.AreAligned(arguments.Loss);
        LossWorkspace workspace = LossWorkspace.ForGroups(context, ref arguments.Loss, groups);
        SlabArguments slabs = new()
        {
            Matching = arguments,
            Slab = Slab.Of(arguments.Loss.Settings.Columns, rowsPerSlab, isAligned),
            Slabs = count,
        };
        Action<SlabArguments> slabKernel = context.HasFixedWarps ? CudaSlabKernel<WarpReduction> : CudaSlabKernel<TreeReduction>;
        return BatchLaunches.Around(nameof(LogitMatching), context, KernelVariant.Cuda, arguments.Loss, workspace, () => context.BindKernel(
            nameof(LogitMatching), slabKernel, groups, groupSize, slabs));
    }

    [KernelEntry(GroupSize = Slab.GroupSize, Variant = KernelVariant.Cuda, Instances = nameof(SlabInstances))]
    internal static void CudaSlabKernel<TReduction>(SlabArguments s)
        where TReduction : unmanaged, IRowReduction
    {
        ArrayView<float> students = SharedMemory.Allocate<float>(Slab.MostFloats);
        ArrayView<float> teachers = SharedMemory.Allocate<float>(Slab.MostFloats);
        LossArguments<float> a = s.Matching.Loss;
        RowTeam team = new(a.TeamSize);
        float reduction = LossArguments.SoftReductionOf(a);
        BatchSums totals = BatchSums.None(a.Rows);
        for (int slab = Grid.IdxX; slab < s.Slabs; slab += Grid.DimX)
        {
            // Idle teams of the last slab work on what is left in shared memory, so that shuffles stay uniform, and store nothing.
            int first = slab * team.RowsPerGroup;
            bool active = first + team.Slot < a.Rows;
            int row = active ? first + team.Slot : a.Rows - 1;
            RowTask task = RowTask.Of(a, row);
            long start = (long)first * a.Settings.Columns;
            int count = XMath.Min(a.Rows - first, team.RowsPerGroup) * a.Settings.Columns;
            s.Slab.Load(a.Student, start, count, students);
            if (a.HasTeacherRows != 0)
                s.Slab.LoadRow(team, a.Teacher, (long)task.TeacherRow * a.Settings.Columns, a.Settings.Columns, teachers);
            else
                s.Slab.Load(a.Teacher, start, count, teachers);
            Group.Barrier(); // all elements are there

            RowSource<float> source = new()
            {
                Student = students,
                Teacher = teachers,
                StudentStart = team.Slot * s.Slab.Pitch,
                TeacherStart = team.Slot * s.Slab.Pitch,
                Columns = task.Works != 0 ? a.Settings.Columns : 0,
                First = team.Lane * Quad.Length,
                Stride = team.Size * Quad.Length,
                HasTeacher = 1,
            };
            RowRecord record = MatchRow<SharedElements, SlabQuadsRow, TReduction>(
                s.Matching, task, source, students, reduction, team, writes: a.HasGradient != 0);
            if (active && team.Lane == 0)
            {
                RowRecord.StoreLosses(a, row, record.Soft, record.Hard);
                totals = BatchSums.Add(totals, BatchSums.Of(record, row, a.Rows));
            }

            Group.Barrier(); // all rows are done
            if (a.HasGradient != 0)
                s.Slab.Store(students, a.Gradient, start, count);
            Group.Barrier(); // all is stored; the next slab may come
        }

        if (a.HasTotals + a.HasRunning > 0)
            BatchLaunches.StoreGroup(a, totals, SharedMemory.Allocate<BatchSums>(Slab.GroupSize));
    }

    // For the catalog: what a CUDA device is given. Trees are for other devices, in tests.
    private static IEnumerable<Type[]> RowInstances()
    {
        yield return [typeof(WholeQuads), typeof(FewQuadsRow), typeof(ShuffledReduction)];
        yield return [typeof(WholeQuads), typeof(ManyQuadsRow), typeof(ShuffledReduction)];
        yield return [typeof(SingleElements<float, FloatStorage>), typeof(FewQuadsRow), typeof(ShuffledReduction)];
    }

    private static IEnumerable<Type[]> SlabInstances()
    {
        yield return [typeof(WarpReduction)];
    }
}
