using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      as DistillationLoss.Cuda.cs, for rows of few classes, which neither begin at multiples of 16 bytes nor are worth a
//             warp: a group brings a slab of rows into shared memory, 16 bytes at a time as if they were one, does each row in the
//             registers of one thread (C up to 12), two (24) or four (48), leaves the gradient in the student's place and writes it
//             as it read.
//             Each group sums its rows' part of the totals; no record of a row is written.
// Shapes:     a teacher's rows that are gathered come one by one, each by its own threads, element by element through the first-level
//             cache. In views that do not begin at a multiple of 16 bytes elements are read and written one by one.
// Geometry:   1-D groups of 128 threads, groups stride over the slabs. Their number follows from the rows alone, so the totals'
//             bits do not depend on the device.
// Numerics:   all in single precision in shared memory; a row in order of its columns (C up to 12).
// Measured:   nothing yet. Instructions of sm_90 per row of 10 classes are counted in docs/design.md.
public static partial class DistillationLoss
{
    // Several waves on the largest GPUs, and few enough that one group adds up their totals in no time.
    private const int MostSlabGroups = 2048;

    internal struct SlabArguments<T>
        where T : unmanaged
    {
        public Arguments<T> Loss;
        public SlabLayout Layout;
        public int Slabs;
    }

    private static CompositeLaunch BindSlabs<T, TStorage>(KernelContext context, Arguments<T> arguments, CudaPlan plan)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        int groupSize = context.GroupSize(SlabLayout.GroupSize);
        int rowsPerSlab = groupSize / plan.Team;
        int count = ((arguments.Rows - 1) / rowsPerSlab) + 1;
        int groups = Math.Min(MostSlabGroups, count);
        Workspace workspace = Workspace.ForGroups(context, ref arguments, groups);
        arguments.TeamSize = plan.Team;
        int columns = arguments.Settings.Columns;
        SlabArguments<T> slabs = new()
        {
            Loss = arguments,
            Layout = SlabLayout.Of(columns, AreAligned(arguments) && rowsPerSlab * columns % 8 == 0),
            Slabs = count,
        };
        Launch rows = context.Portable(
            nameof(DistillationLoss), ChooseSlabKernel<T, TStorage>(columns, context.HasShuffles), groups, groupSize, slabs);
        return Launches(context, KernelVariant.Cuda, arguments, workspace, rows);
    }

    private static Action<SlabArguments<T>> ChooseSlabKernel<T, TStorage>(int columns, bool shuffles)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T> =>
        typeof(TStorage) == typeof(HalfStorage) ? (Action<SlabArguments<T>>)(object)ChooseSlabRows<ushort, ShortSlab<HalfStorage>>(columns, shuffles)
        : typeof(TStorage) == typeof(BFloat16Storage) ? (Action<SlabArguments<T>>)(object)ChooseSlabRows<ushort, ShortSlab<BFloat16Storage>>(columns, shuffles)
        : (Action<SlabArguments<T>>)(object)ChooseSlabRows<float, FloatSlab>(columns, shuffles);

    private static Action<SlabArguments<T>> ChooseSlabRows<T, TSlab>(int columns, bool shuffles)
        where T : unmanaged
        where TSlab : unmanaged, ISlabAccess<T> =>
        columns % 4 == 0 ? ChooseSlabReduction<T, TSlab, SlabQuads>(shuffles)
        : columns % 2 == 0 ? ChooseSlabReduction<T, TSlab, SlabPairs>(shuffles)
        : ChooseSlabReduction<T, TSlab, SlabSingles>(shuffles);

    private static Action<SlabArguments<T>> ChooseSlabReduction<T, TSlab, TRows>(bool shuffles)
        where T : unmanaged
        where TSlab : unmanaged, ISlabAccess<T>
        where TRows : unmanaged, ISlabRows =>
        shuffles ? CudaSlabKernel<T, TSlab, TRows, WarpReduction> : CudaSlabKernel<T, TSlab, TRows, TreeReduction>;

    [KernelEntry(GroupSize = SlabLayout.GroupSize, Variant = KernelVariant.Cuda, Instances = nameof(SlabInstances))]
    internal static void CudaSlabKernel<T, TSlab, TRows, TReduction>(SlabArguments<T> s)
        where T : unmanaged
        where TSlab : unmanaged, ISlabAccess<T>
        where TRows : unmanaged, ISlabRows
        where TReduction : unmanaged, IRowReduction
    {
        ArrayView<float> rows = SharedMemory.Allocate<float>(2 * SlabLayout.MostFloats);
        Arguments<T> a = s.Loss;
        RowTeam team = new(a.TeamSize);
        LossBatch batch = BatchOf(a);
        BatchSums totals = BatchSums.None(a.Rows);
        for (int slab = Grid.IdxX; slab < s.Slabs; slab += Grid.DimX)
        {
            // Idle teams of the last slab work on what is left in shared memory, so that shuffles stay uniform, and store nothing.
            int first = slab * team.RowsPerGroup;
            bool active = first + team.Slot < a.Rows;
            int row = active ? first + team.Slot : a.Rows - 1;
            RowTask task = TaskOf(a, row);
            long start = (long)first * a.Settings.Columns;
            int count = XMath.Min(a.Rows - first, team.RowsPerGroup) * a.Settings.Columns;
            LoadSlab<T, TSlab, TRows>(s, rows, start, count);
            if (a.Settings.Soft != 0 && a.HasTeacherRows != 0)
                GatherRow<T, TSlab>(s, rows, team, task.TeacherRow);
            Group.Barrier(); // all elements are there

            RowSource<float> source = new()
            {
                Student = rows,
                Teacher = rows,
                StudentStart = team.Slot * s.Layout.Pitch,
                TeacherStart = (team.Slot * s.Layout.Pitch) + SlabLayout.MostFloats,
                Columns = task.Works != 0 ? a.Settings.Columns : 0,
                First = team.Lane * Quad.Length,
                Stride = team.Size * Quad.Length,
                Soft = a.Settings.Soft,
            };
            SlabRow logits = default;
            logits = logits.Load<float, TRows>(source, source.First);
            RowLabel label = CudaLabel<float, TRows>(batch, task, source);
            RowSums sums = CudaSums<float, TRows, SlabRow, TReduction>(batch, task, source, logits, team);
            RowLoss loss = CudaLoss(batch, task, sums, label);
            if (active && team.Lane == 0)
            {
                RowRecord record = RowRecord.Of(loss, sums, task.Class, a.Settings.Columns);
                StoreRow(a, row, loss, record);
                totals = BatchSums.Add(totals, BatchSums.Of(record, row, a.Rows));
            }

            source.Columns = a.Settings.Columns;
            GradientTarget<float> target = new() { Gradient = rows, Start = source.StudentStart, Columns = source.Columns };
            if (a.HasGradient != 0)
                CudaGradient<float, TRows, SlabRow>(batch, task, source, logits, sums, loss, target);
            Group.Barrier(); // all rows are done
            if (a.HasGradient != 0)
                StoreSlab<T, TSlab, TRows>(s, rows, start, count);
            Group.Barrier(); // all is stored; the next slab may come
        }

        if (a.HasTotals + a.HasRunning > 0)
            StoreGroup(a, totals, rows.Cast<BatchSums>());
    }

    private static void LoadSlab<T, TSlab, TRows>(SlabArguments<T> s, ArrayView<float> rows, long start, int count)
        where T : unmanaged
        where TSlab : unmanaged, ISlabAccess<T>
        where TRows : unmanaged, ISlabRows
    {
        TSlab slab = default;
        bool both = s.Loss.Settings.Soft != 0 && s.Loss.HasTeacherRows == 0;
        int chunks = s.Layout.IsAligned != 0 ? count / slab.Length : 0;
        long firstChunk = start / slab.Length;
        for (int i = Group.IdxX; i < chunks; i += Group.DimX)
        {
            // Both loads are on their way before either is waited for.
            Octet student = slab.Load(s.Loss.Student, firstChunk + i);
            Octet teacher = default;
            if (both)
                teacher = slab.Load(s.Loss.Teacher, firstChunk + i);
            Put<T, TSlab, TRows>(s.Layout, rows, 0, i, student);
            if (both)
                Put<T, TSlab, TRows>(s.Layout, rows, SlabLayout.MostFloats / Quad.Length, i, teacher);
        }

        for (int i = (chunks * slab.Length) + Group.IdxX; i < count; i += Group.DimX)
        {
            rows[PlaceOf<TRows>(s.Layout, i)] = slab.LoadOne(s.Loss.Student, start + i);
            if (both)
                rows[PlaceOf<TRows>(s.Layout, i) + SlabLayout.MostFloats] = slab.LoadOne(s.Loss.Teacher, start + i);
        }
    }

    private static void GatherRow<T, TSlab>(SlabArguments<T> s, ArrayView<float> rows, RowTeam team, int teacherRow)
        where T : unmanaged
        where TSlab : unmanaged, ISlabAccess<T>
    {
        TSlab slab = default;
        long start = (long)teacherRow * s.Loss.Settings.Columns;
        int place = (team.Slot * s.Layout.Pitch) + SlabLayout.MostFloats;
        for (int i = team.Lane; i < s.Loss.Settings.Columns; i += team.Size)
            rows[place + i] = slab.LoadOne(s.Loss.Teacher, start + i);
    }

    private static void StoreSlab<T, TSlab, TRows>(SlabArguments<T> s, ArrayView<float> rows, long start, int count)
        where T : unmanaged
        where TSlab : unmanaged, ISlabAccess<T>
        where TRows : unmanaged, ISlabRows
    {
        TSlab slab = default;
        ArrayView<Quad> quads = rows.Cast<Quad>();
        int chunks = s.Layout.IsAligned != 0 ? count / slab.Length : 0;
        long firstChunk = start / slab.Length;
        for (int i = Group.IdxX; i < chunks; i += Group.DimX)
        {
            int quad = i * (slab.Length / Quad.Length);
            Octet gradient = new() { Low = quads[PlaceOfQuad<TRows>(s.Layout, quad)] };
            if (slab.Length > Quad.Length)
                gradient.High = quads[PlaceOfQuad<TRows>(s.Layout, quad + 1)];
            slab.Store(s.Loss.Gradient, firstChunk + i, gradient);
        }

        for (int i = (chunks * slab.Length) + Group.IdxX; i < count; i += Group.DimX)
            slab.StoreOne(s.Loss.Gradient, start + i, rows[PlaceOf<TRows>(s.Layout, i)]);
    }

    private static void Put<T, TSlab, TRows>(SlabLayout layout, ArrayView<float> rows, int firstQuad, int chunk, Octet octet)
        where T : unmanaged
        where TSlab : unmanaged, ISlabAccess<T>
        where TRows : unmanaged, ISlabRows
    {
        TSlab slab = default;
        ArrayView<Quad> quads = rows.Cast<Quad>();
        int quad = chunk * (slab.Length / Quad.Length);
        quads[firstQuad + PlaceOfQuad<TRows>(layout, quad)] = octet.Low;
        if (slab.Length > Quad.Length)
            quads[firstQuad + PlaceOfQuad<TRows>(layout, quad + 1)] = octet.High;
    }

    private static int PlaceOfQuad<TRows>(SlabLayout layout, int quad)
        where TRows : unmanaged, ISlabRows =>
        default(TRows).ArePadded ? layout.PlaceOfQuad(quad) : quad;

    private static int PlaceOf<TRows>(SlabLayout layout, int element)
        where TRows : unmanaged, ISlabRows =>
        (PlaceOfQuad<TRows>(layout, element >> 2) << 2) + (element & 3);

    // For the catalog: what a CUDA device is given.
    private static IEnumerable<Type[]> SlabInstances()
    {
        foreach (Type rows in (Type[])[typeof(SlabQuads), typeof(SlabPairs), typeof(SlabSingles)])
        {
            yield return [typeof(float), typeof(FloatSlab), rows, typeof(WarpReduction)];
            yield return [typeof(ushort), typeof(ShortSlab<HalfStorage>), rows, typeof(WarpReduction)];
            yield return [typeof(ushort), typeof(ShortSlab<BFloat16Storage>), rows, typeof(WarpReduction)];
        }
    }
}
