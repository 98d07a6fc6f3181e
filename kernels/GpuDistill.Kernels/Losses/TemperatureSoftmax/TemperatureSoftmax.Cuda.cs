using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      as the portable kernel, and made for the memory's limit: logits are read and the output is written once, 16 bytes at a time,
//             up to 8192 classes; the exponentials are computed anew for the output, a fifth of what the multiprocessors of an H100 have.
// Geometry:   CudaPlan: up to 40 classes slabs of rows go through shared memory, one run of 16-byte accesses, and each row into the
//             registers of one, two or four threads; then a row in the registers of 4 to 256 threads, 16 or 32 elements each. Longer
//             rows (from 4097 on where elements are read one by one) take a whole group 16 or 32 elements a thread at a time, and
//             are read twice: the second time from the L2 cache where that holds the rows under way. So few groups are launched for
//             these that 50 MB do up to 45,000 classes; beyond, 12 bytes per element pass through memory where 8 would do.
// Numerics:   as the portable kernel, with a butterfly of the lanes and the warps in order.
// Measured:   nothing; no GPU was at hand. Its PTX is executed in the tests (GpuDistill.PtxMachine), its machine code was checked.
public static partial class TemperatureSoftmax
{
    // Of 256 threads each, for rows that are read twice: 32 KB under way per group is more than the memory's latency takes.
    private const int GroupsPerMultiprocessor = 2;

    internal struct SlabArguments
    {
        public Arguments<float> Softmax;
        public Slab Slab;
        public int Slabs;
    }

    // There are kernels for single precision, the only type that Bind lets through.
    private static Launch BindCuda<T, TStorage>(KernelContext context, Arguments<T> arguments)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T> =>
        BindCuda(context, (Arguments<float>)(object)arguments);

    private static Launch BindCuda(KernelContext context, Arguments<float> arguments)
    {
        bool whole = IsWhole(arguments);
        int groupSize = context.GroupSize(PreferredGroupSize);
        int slabGroupSize = context.GroupSize(Slab.GroupSize);
        CudaPlan plan = CudaPlan.Of(arguments.Settings.Columns, whole, slabGroupSize, groupSize, context.Accelerator.WarpSize);
        arguments.TeamSize = plan.Team;
        if (plan.IsSlab)
            return BindSlabs(context, arguments, slabGroupSize);
        int groups = context.GroupsFor(arguments.Rows, groupSize / plan.Team);
        if (plan.Parts > 1)
            groups = Math.Min(groups, GroupsPerMultiprocessor * Math.Max(1, context.Accelerator.NumMultiprocessors));
        Action<Arguments<float>> kernel =
            !whole ? ChooseRowKernel<SingleElements<float, FloatStorage>, FewQuadsRow>(context.HasFixedWarps)
            : plan.Quads == default(FewQuadsRow).Quads ? ChooseRowKernel<WholeQuads, FewQuadsRow>(context.HasFixedWarps)
            : ChooseRowKernel<WholeQuads, ManyQuadsRow>(context.HasFixedWarps);
        return context.BindKernel(nameof(TemperatureSoftmax), kernel, groups, groupSize, arguments, variant: KernelVariant.Cuda);
    }

    private static Action<Arguments<float>> ChooseRowKernel<TAccess, TRow>(bool shuffles)
        where TAccess : unmanaged, IQuadAccess<float>
        where TRow : struct, ILogitRow<TRow> =>
        shuffles ? CudaRowKernel<TAccess, TRow, ShuffledReduction> : CudaRowKernel<TAccess, TRow, TreeReduction>;

    [KernelEntry(Variant = KernelVariant.Cuda, DropsRacingReads = true, Instances = nameof(RowInstances))]
    internal static void CudaRowKernel<TAccess, TRow, TReduction>(Arguments<float> a)
        where TAccess : unmanaged, IQuadAccess<float>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction =>
        Rows<float, TAccess, TRow, TReduction>(a);

    private static Launch BindSlabs(KernelContext context, Arguments<float> arguments, int groupSize)
    {
        int rowsPerSlab = groupSize / arguments.TeamSize;
        bool isAligned = BufferSpan.IsAligned(arguments.Logits) && BufferSpan.IsAligned(arguments.Output);
        SlabArguments slabs = new()
        {
            Softmax = arguments,
            Slab = Slab.Of(arguments.Settings.Columns, rowsPerSlab, isAligned),
            Slabs = ((arguments.Rows - 1) / rowsPerSlab) + 1,
        };
        return context.BindKernel(
            nameof(TemperatureSoftmax),
            context.HasFixedWarps ? CudaSlabKernel<WarpReduction> : CudaSlabKernel<TreeReduction>,
            context.GroupsFor(slabs.Slabs, 1),
            groupSize,
            slabs,
            variant: KernelVariant.Cuda);
    }

    [KernelEntry(GroupSize = Slab.GroupSize, Variant = KernelVariant.Cuda, Instances = nameof(SlabInstances))]
    internal static void CudaSlabKernel<TReduction>(SlabArguments s)
        where TReduction : unmanaged, IRowReduction
    {
        ArrayView<float> rows = SharedMemory.Allocate<float>(Slab.MostFloats);
        Arguments<float> a = s.Softmax;
        RowTeam team = new(a.TeamSize);
        for (int slab = Grid.IdxX; slab < s.Slabs; slab += Grid.DimX)
        {
            // Idle teams of the last slab work on what is left in shared memory, which is not stored.
            int first = slab * team.RowsPerGroup;
            long start = (long)first * a.Settings.Columns;
            int count = XMath.Min(a.Rows - first, team.RowsPerGroup) * a.Settings.Columns;
            s.Slab.Load(a.Logits, start, count, rows);
            Group.Barrier(); // all elements are there
            Row<float, SharedElements, SlabQuadsRow, TReduction>(a.Settings, rows, rows, team.Slot * s.Slab.Pitch, team, active: true);
            Group.Barrier(); // all rows are done
            s.Slab.Store(rows, a.Output, start, count);
            Group.Barrier(); // all is stored; the next slab may come
        }
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
