using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      temperature softmax of student and teacher, soft and hard cross entropy, KL divergence, accuracy and the
//             gradient of their weighted sum. Logits are read once where a team's registers hold the row (C up to 16 per thread, 4096
//             in groups of 256), else twice: a block of each thread's registers at a time for the sums, then for the gradient.
// Math:       q = softmax(z / T), p = softmax(v / T), p' = (1 - b) p + b onehot(y), b = 0 for unlabelled rows
//             soft = scale * -sum p' log q,   KL = soft - scale * entropy(p'),   scale = T^2 or 1
//             hard = (1 - s) w[y] (-log h[y]) + s / C sum w (-log h),   h = softmax(z), s the label smoothing
// Gradient:   softWeight scale / T (q - p') softReduction + hardWeight (...) hardReduction; see RowLoss
// Online:     the sums of a block are relative to the largest logits that its thread has seen, and those before it are rescaled
//             where these have grown (Milakov and Gimelshein 2018): three exponentials and a dozen other operations per 16 logits of
//             each, beside the 48 of the sums. So a row's range, its sums and its flatness come of one reading.
// Why so:     registers rather than local memory, since GPUs have several times as much of the former (AMD: 256 KB and more against 64
//             KB per compute unit; Intel: 512 KB against 128 KB per Xe core at most). 32 logits a thread are 32 of the 256
//             registers that a lane may have on AMD, and of the 128 on Intel with 8 lanes; as many in local memory, 32 KB per group,
//             would leave a compute unit two groups. Few classes gain most: a thread's loads of its row follow
//             each other while their lines are in the first-level cache, where two thousand threads' rows have no room.
// Shapes:     Student, Gradient [N x C], Teacher [M x C], per row [N]; the gradient may lie over the student's logits: an
//             element is written by the thread that read it, after a barrier behind every other read of its row. Four elements
//             are one access where rows are whole quads in aligned views.
// Geometry:   1-D groups; TeamSize threads per row, several rows per group, groups stride over the rows. What goes
//             before and after is in Batches/BatchLaunches.cs.
// Numerics:   fp32, fixed order: four terms, a block's quads, a thread's blocks, a tree of the threads. Flat rows (see
//             LowestFlatTemperature), whose sums are others, and those where an infinite logit came into a rescaled sum are read once
//             more, with the range known.
// Edges:      tail rows are computed again by idle teams (barriers stay uniform) and not stored; rows without an objective
//             read no logits. An invalid row is left out with gradient 0. e = 0 times a logit of -inf is 0.
// Measured:   nothing yet on a GPU; it runs on PoCL and on the CPU accelerator's lanes in tests.
// Reference:  DistillationLoss.Reference.cs
public static partial class DistillationLoss
{
    private const int PreferredGroupSize = 256;

    private static CompositeLaunch BindPortable<T, TStorage>(KernelContext context, LossArguments<T> arguments)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        bool whole = arguments.Settings.Columns % Quad.Length == 0 && LossArguments.AreAligned(arguments);
        LossWorkspace workspace = LossWorkspace.ForRecords(context, ref arguments);
        int groupSize = context.GroupSize(PreferredGroupSize);
        arguments.TeamSize = RowTeam.SizeFor(arguments.Settings.Columns, groupSize);
        int groups = context.GroupsFor(arguments.Rows, groupSize / arguments.TeamSize);
        return BatchLaunches.Around(
            nameof(DistillationLoss),
            context,
            KernelVariant.Portable,
            arguments,
            workspace,
            () => context.BindKernel(nameof(DistillationLoss), ChooseKernel<T, TStorage>(whole), groups, groupSize, arguments));
    }

    private static Action<LossArguments<T>> ChooseKernel<T, TStorage>(bool whole)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T> =>
        !whole ? RowKernel<T, SingleElements<T, TStorage>>
        : typeof(TStorage) == typeof(HalfStorage) ? Cast<T, ushort>(RowKernel<ushort, WholeShorts<HalfStorage>>)
        : typeof(TStorage) == typeof(BFloat16Storage) ? Cast<T, ushort>(RowKernel<ushort, WholeShorts<BFloat16Storage>>)
        : Cast<T, float>(RowKernel<float, WholeQuads>);

    // Both types are the same.
    private static Action<LossArguments<T>> Cast<T, TSame>(Action<LossArguments<TSame>> kernel)
        where T : unmanaged
        where TSame : unmanaged =>
        (Action<LossArguments<T>>)(object)kernel;

    [KernelEntry(DropsRacingReads = true, Instances = nameof(PortableInstances))]
    internal static void RowKernel<T, TAccess>(LossArguments<T> a)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        TreeReduction reduction = default;
        RowTeam team = new(a.TeamSize);
        LossBatch batch = BatchOf(a);
        int block = default(FewQuadsRow).Quads * Quad.Length * team.Size;
        long step = (long)Grid.DimX * team.RowsPerGroup;
        for (long first = (long)Grid.IdxX * team.RowsPerGroup; first < a.Rows; first += step)
        {
            bool active = first + team.Slot < a.Rows;
            long row = active ? first + team.Slot : a.Rows - 1;
            RowTask task = RowTask.Of(a, row);
            RowSource<T> source = RowTask.SourceOf(a, team, row, task);
            RowLabel label = LabelOf<T, TAccess>(batch, task, source);
            RowPart part = new() { Sums = RowSums.Lowest, Range = RowRange.Empty };
            FewQuadsRow logits = default;
            for (int start = 0; start < source.Columns; start += block)
            {
                RowSource<T> some = source.Block(start, block);
                logits = LogitRow.Load<T, TAccess, FewQuadsRow>(some);
                part = AddBlock<T, TAccess>(part, batch, task, some, logits);
            }

            RowRange range = reduction.Union(part.Range, team, a.Settings.SeeksFlatRows);
            RowSums sums = RowSums.Raise(part.Sums, range.StudentMaximum, range.TeacherMaximum, a.Settings.InverseTemperature);
            bool flat = a.Settings.SeeksFlatRows != 0 && RowRange.IsFlat(range, a.Settings.InverseTemperature);
            if (flat || !RowSums.IsFinite(sums))
                sums = GeneralSums<T, TAccess>(batch, task, source, range, flat);
            sums = RowSums.Complete(reduction.Add(sums, team, a.Settings.Smoothing), range, flat, label);
            RowLoss loss = LossOf(batch, task, sums, label);
            if (!active)
                continue;
            if (team.Lane == 0)
                RowRecord.Store(a, row, RowLoss.RecordOf(loss, task.Class >= 0, sums.IsRight != 0));
            source.Columns = a.HasGradient != 0 ? a.Settings.Columns : 0;
            GradientTarget<T> target = new() { Gradient = a.Gradient, Start = source.StudentStart, Columns = source.Columns };
            for (int start = 0; start < source.Columns; start += block)
            {
                RowSource<T> some = source.Block(start, block);
                if (a.Settings.Columns > block) // else the registers still hold the row
                    logits = LogitRow.Load<T, TAccess, FewQuadsRow>(some);
                StoreGradient<T, TAccess, FewQuadsRow>(batch, task, some, logits, sums, loss, target);
            }
        }
    }

    private static RowPart AddBlock<T, TAccess>(RowPart part, LossBatch batch, RowTask task, RowSource<T> source, FewQuadsRow logits)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        RowRange range = RowRange.Union(part.Range, RangeOf<T, TAccess, FewQuadsRow>(batch, task, source, logits));
        RowSums sums = PartialSums<T, TAccess, FewQuadsRow>(batch, task, source, logits, range);
        part.Sums = RowSums.Raise(part.Sums, range.StudentMaximum, range.TeacherMaximum, batch.Settings.InverseTemperature);
        part.Sums = RowSums.Add(part.Sums, sums);
        part.Range = range;
        return part;
    }

    // For the catalog.
    private static IEnumerable<Type[]> PortableInstances()
    {
        yield return [typeof(float), typeof(WholeQuads)];
        yield return [typeof(ushort), typeof(WholeShorts<HalfStorage>)];
        yield return [typeof(ushort), typeof(WholeShorts<BFloat16Storage>)];
        foreach ((Type element, Type storage) in StorageType.All)
            yield return [element, typeof(SingleElements<,>).MakeGenericType(element, storage)];
    }
}
