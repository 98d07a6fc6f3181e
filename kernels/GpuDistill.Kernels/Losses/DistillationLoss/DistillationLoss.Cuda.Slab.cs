using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      as DistillationLoss.Cuda.cs, for rows of few classes, which neither begin at multiples of 16 bytes nor are worth a
//             warp: a group copies a slab of rows into shared memory, 16 bytes at a time as if they were one, does each row in the
//             registers of one thread (C up to 10), two (20) or four (40), leaves the gradient in the student's place and copies it
//             back. A row's exponentials stay in registers for its gradient.
//             Each group sums its rows' part of the totals; no record of a row is written.
// Shapes:     a teacher's rows that are gathered come one by one, each by its own threads, pair by pair through the first-level
//             cache. In views that do not begin at a multiple of 16 bytes elements are read and written one by one.
// Geometry:   1-D groups of 128 threads, groups stride over the slabs. Their number follows from the rows alone, so the totals'
//             bits do not depend on the device.
// Numerics:   all in single precision; a row from its last column to its first (C up to 10). Flat rows and label smoothing, whose
//             sums take more than a thread has registers for, read the row from shared memory once more (GeneralPasses.cs).
// Measured:   nothing yet. Instructions of sm_90 per row of 10 classes are counted in docs/design.md.
public static partial class DistillationLoss
{
    // Several waves on the largest GPUs, and few enough that one group adds up their totals in no time.
    private const int MostSlabGroups = 2048;

    internal struct SlabArguments<T>
        where T : unmanaged
    {
        public LossArguments<T> Loss;
        public int GroupSize;
        public int Slabs;
        public int RowsPerSlab;

        // Of 16 bytes; 0 where slabs do not begin at multiples of 16 bytes.
        public int ChunksPerSlab;
    }

    private static CompositeLaunch BindSlabs<T, TStorage>(KernelContext context, LossArguments<T> arguments, CudaPlan plan)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        int groupSize = context.GroupSize(SlabRow.GroupSize);
        int rowsPerSlab = groupSize / plan.Team;
        int count = ((arguments.Rows - 1) / rowsPerSlab) + 1;
        int groups = Math.Min(MostSlabGroups, count);
        LossWorkspace workspace = LossWorkspace.ForGroups(context, ref arguments, groups);
        arguments.TeamSize = plan.Team;
        int bytes = rowsPerSlab * arguments.Settings.Columns * Unsafe.SizeOf<T>();
        long chunks = (long)count * bytes / SlabChunks.Size;
        bool aligned = LossArguments.AreAligned(arguments) && bytes % SlabChunks.Size == 0 && chunks <= int.MaxValue;
        SlabArguments<T> slabs = new()
        {
            Loss = arguments,
            GroupSize = groupSize,
            Slabs = count,
            RowsPerSlab = rowsPerSlab,
            ChunksPerSlab = aligned ? bytes / SlabChunks.Size : 0,
        };
        return BatchLaunches.Around(nameof(DistillationLoss), context, KernelVariant.Cuda, arguments, workspace, () => context.BindKernel(
            nameof(DistillationLoss), ChooseSlabKernel<T, TStorage>(context, slabs), groups, groupSize, slabs));
    }

    private static Action<SlabArguments<T>> ChooseSlabKernel<T, TStorage>(KernelContext context, SlabArguments<T> s)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T> =>
        IsOrdinary(s) ? ChooseSlabElements<T, TStorage, TenClasses>(context)
        : s.Loss.Settings.Columns % 2 == 0 ? ChooseSlabElements<T, TStorage, EvenRows>(context)
        : ChooseSlabElements<T, TStorage, OddRows>(context);

    // Whether a launch is what kernels for TenClasses take it for.
    private static bool IsOrdinary<T>(SlabArguments<T> s)
        where T : unmanaged =>
        s.Equals(AsOrdinary(s));

    // What those kernels know. In device code it stands over the arguments, so that the compiler knows it too.
    private static SlabArguments<T> AsOrdinary<T>(SlabArguments<T> s)
        where T : unmanaged
    {
        s.GroupSize = SlabRow.GroupSize;
        s.RowsPerSlab = SlabRow.GroupSize;
        s.ChunksPerSlab = SlabRow.MostPerSlab / SlabChunks.Length<T>();
        s.Loss.TeamSize = 1;
        s.Loss.HasLabels = 1;
        s.Loss.HasClassWeights = 0;
        s.Loss.HasGradient = 1;
        s.Loss.HasSoftLosses = 0;
        s.Loss.HasHardLosses = 0;
        s.Loss.HasTotalLosses = 0;
        s.Loss.Settings.Columns = SlabRow.Length;
        s.Loss.Settings.Soft = 1;
        s.Loss.Settings.Hard = 1;
        s.Loss.Settings.SeeksFlatRows = 0;
        s.Loss.Settings.Smoothing = 0;
        s.Loss.Settings.SmoothingPerClass = 0;
        s.Loss.Settings.Blend = 0;
        return s;
    }

    private static Action<SlabArguments<T>> ChooseSlabElements<T, TStorage, TShape>(KernelContext context)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
        where TShape : unmanaged, ISlabShape =>
        typeof(TStorage) == typeof(HalfStorage) ? (Action<SlabArguments<T>>)(object)ChooseSlabReduction<ushort, ShortElements<HalfStorage>, TShape>(context)
        : typeof(TStorage) == typeof(BFloat16Storage) ? (Action<SlabArguments<T>>)(object)ChooseSlabReduction<ushort, ShortElements<BFloat16Storage>, TShape>(context)
        : (Action<SlabArguments<T>>)(object)ChooseSlabReduction<float, FloatElements, TShape>(context);

    private static Action<SlabArguments<T>> ChooseSlabReduction<T, TElements, TShape>(KernelContext context)
        where T : unmanaged
        where TElements : unmanaged, ISlabElements<T>
        where TShape : unmanaged, ISlabShape =>
        context.HasFixedWarps ? CudaSlabKernel<T, TElements, TShape, WarpReduction> : CudaSlabKernel<T, TElements, TShape, TreeReduction>;

    [KernelEntry(GroupSize = SlabRow.GroupSize, Variant = KernelVariant.Cuda, DropsRacingReads = true, Instances = nameof(SlabInstances))]
    internal static void CudaSlabKernel<T, TElements, TShape, TReduction>(SlabArguments<T> s)
        where T : unmanaged
        where TElements : unmanaged, ISlabElements<T>
        where TShape : unmanaged, ISlabShape
        where TReduction : unmanaged, IRowReduction
    {
        if (default(TShape).IsOrdinary)
            s = AsOrdinary(s);
        SlabChunks chunks = default;
        chunks.Student = SharedMemory.Allocate<SlabChunks.Chunk>(SlabChunks.MostPerSlab);
        chunks.Teacher = SharedMemory.Allocate<SlabChunks.Chunk>(SlabChunks.MostPerSlab);
        chunks.Count = s.ChunksPerSlab;
        chunks.GroupSize = s.GroupSize;
        chunks.Both = s.Loss.Settings.Soft != 0 && s.Loss.HasTeacherRows == 0;
        ArrayView<T> students = chunks.Student.Cast<T>();
        ArrayView<T> teachers = chunks.Teacher.Cast<T>();
        TReduction reduction = default;
        LossArguments<T> a = s.Loss;
        RowTeam team = new(a.TeamSize);
        LossBatch batch = BatchOf(a);
        BatchSums totals = BatchSums.None(a.Rows);
        int firstRow = Grid.IdxX * s.RowsPerSlab;
        int firstChunk = Grid.IdxX * s.ChunksPerSlab;
        for (int slab = Grid.IdxX; slab < s.Slabs; slab += Grid.DimX)
        {
            // Idle teams of the last slab work on what is left in shared memory, so that shuffles stay uniform, and store nothing.
            bool active = firstRow + team.Slot < a.Rows;
            int row = active ? firstRow + team.Slot : a.Rows - 1;
            RowTask task = RowTask.Of(a, row);
            bool inChunks = s.ChunksPerSlab > 0 && firstRow <= a.Rows - s.RowsPerSlab;
            if (inChunks)
                chunks.Load(a.Student, a.Teacher, firstChunk);
            else
                LoadElements(s, chunks, students, teachers, firstRow);
            if (a.Settings.Soft != 0 && a.HasTeacherRows != 0)
                GatherRow<T, TElements, TShape>(s, teachers, team, task.TeacherRow);
            Group.Barrier(); // all elements are there

            long start = SlabRow.StartOf<TShape>(team, a.Settings.Columns);
            int left = a.Settings.Columns - (team.Lane * SlabRow.Length);
            SlabRow logits = SlabRow.Load<T, TElements, TShape>(students, teachers, start, left, a.Settings.Soft);
            RowSource<T> source = SourceOfSlab(s, team, task, students, teachers);
            RowLabel label = LabelOfSlab<T, TElements>(batch, task, source);
            int place = task.Class - (team.Lane * SlabRow.Length); // of the label among the thread's elements
            RowRange range = SlabRow.Maxima(logits, place);
            if (a.Settings.SeeksFlatRows != 0)
                range = SlabRow.Minima(logits, range, left);
            range = reduction.Union(range, team, a.Settings.SeeksFlatRows);
            bool flat = a.Settings.SeeksFlatRows != 0 && RowRange.IsFlat(range, a.Settings.InverseTemperature);
            bool general = flat || a.Settings.Smoothing > 0;
            SlabTerms terms = default;
            if (general)
                terms.Sums = GeneralSums<T, SingleElements<T, TElements>>(batch, task, source, range, flat);
            else
                terms = SlabRow.Exponentials(logits, RowScales.Of(range.StudentMaximum, range.TeacherMaximum, a.Settings.InverseTemperature));
            RowSums sums = RowSums.Complete(reduction.Add(terms.Sums, team, a.Settings.Smoothing), range, flat, label);
            RowLoss loss = LossOf(batch, task, sums, label);
            if (active && team.Lane == 0)
            {
                RowRecord.StoreLosses(a, row, loss.Soft, loss.Hard);
                totals = RowLoss.AddTo(totals, loss, task.Class >= 0, sums.IsRight != 0, row);
            }

            if (a.HasGradient != 0)
            {
                source.Columns = a.Settings.Columns;
                GradientTarget<T> target = new() { Gradient = students, Start = source.StudentStart, Columns = source.Columns };
                if ((!default(TShape).IsOrdinary && task.Works == 0) || loss.Reason != 0)
                    terms.Row = default; // 0 times an infinity is none
                if (general)
                    StoreGeneralGradient<T, SingleElements<T, TElements>>(batch, task, source, sums, loss, target);
                else
                    SlabRow.StoreGradient<T, TElements, TShape>(terms.Row, students, start, left, loss, place);
                Group.Barrier(); // all rows are done
                if (inChunks)
                    chunks.Store(a.Gradient, firstChunk);
                else
                    StoreElements(s, students, firstRow);
            }

            Group.Barrier(); // nothing of the slab is needed any more; the next one may come
            firstRow += Grid.DimX * s.RowsPerSlab;
            firstChunk += Grid.DimX * s.ChunksPerSlab;
        }

        if (a.HasTotals + a.HasRunning > 0)
            BatchLaunches.StoreGroup(a, totals, chunks.Student.Cast<BatchSums>());
    }

    // For the passes that read a row quad by quad.
    private static RowSource<T> SourceOfSlab<T>(
        SlabArguments<T> s, RowTeam team, RowTask task, ArrayView<T> students, ArrayView<T> teachers)
        where T : unmanaged => new()
        {
            Student = students,
            Teacher = teachers,
            StudentStart = team.Slot * s.Loss.Settings.Columns,
            TeacherStart = team.Slot * s.Loss.Settings.Columns,
            Columns = task.Works != 0 ? s.Loss.Settings.Columns : 0,
            First = team.Lane * Quad.Length,
            Stride = team.Size * Quad.Length,
            HasTeacher = s.Loss.Settings.Soft,
        };

    // As LabelOf, with the other element of the label's pair.
    private static RowLabel LabelOfSlab<T, TElements>(LossBatch batch, RowTask task, RowSource<T> source)
        where T : unmanaged
        where TElements : unmanaged, ISlabElements<T>
    {
        RowLabel label = new() { Class = task.Class, Weight = 1, Before = float.NegativeInfinity };
        if (task.Class >= 0)
        {
            TElements elements = default;
            label.Student = elements.Load(source.Student, source.StudentStart + task.Class);
            if ((task.Class & 1) != 0)
                label.Before = elements.Load(source.Student, source.StudentStart + task.Class - 1);
            if (batch.Settings.Blend > 0)
                label.Teacher = elements.Load(source.Teacher, source.TeacherStart + task.Class);
            label.Weight = batch.WeightOrNaN(task.Class);
        }

        return label;
    }

    // For the catalog: what a CUDA device is given.
    private static IEnumerable<Type[]> SlabInstances()
    {
        foreach (Type shape in (Type[])[typeof(TenClasses), typeof(EvenRows), typeof(OddRows)])
        {
            yield return [typeof(float), typeof(FloatElements), shape, typeof(WarpReduction)];
            yield return [typeof(ushort), typeof(ShortElements<HalfStorage>), shape, typeof(WarpReduction)];
            yield return [typeof(ushort), typeof(ShortElements<BFloat16Storage>), shape, typeof(WarpReduction)];
        }
    }
}
