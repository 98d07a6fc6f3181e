using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      temperature softmax of student and teacher, soft and hard cross entropy, KL divergence, accuracy and the
//             gradient of their weighted sum. Logits are read three times (range, sums, gradient), of which all but the first
//             find a row of moderate length in the cache; nothing but the gradient is written per class.
// Math:       q = softmax(z / T), p = softmax(v / T), p' = (1 - b) p + b onehot(y), b = 0 for unlabelled rows
//             soft = scale * -sum p' log q,   KL = soft - scale * entropy(p'),   scale = T^2 or 1
//             hard = (1 - s) w[y] (-log h[y]) + s / C sum w (-log h),   h = softmax(z), s the label smoothing
// Gradient:   softWeight scale / T (q - p') softReduction + hardWeight (...) hardReduction; see RowLoss
// Shapes:     Student, Gradient [N x C], Teacher [M x C], per row [N]; the gradient may lie over the student's logits: an
//             element is written by the thread that read it, after a barrier behind every other read of its row.
// Geometry:   1-D groups; TeamSize threads per row, several rows per group, groups stride over the rows. What goes
//             before and after is in DistillationLoss.Launches.cs.
// Numerics:   fp32, fixed order: a thread sums its elements in order, in blocks, a tree sums the threads. Flat rows: see
//             LowestFlatTemperature.
// Edges:      tail rows are computed again by idle teams (barriers stay uniform) and not stored; rows without an objective
//             read no logits. An invalid row is left out with gradient 0. e = 0 times a logit of -inf is 0.
// Reference:  DistillationLoss.Reference.cs
public static partial class DistillationLoss
{
    private const int PreferredGroupSize = 256;

    // Terms that a thread sums before it adds them to the sum so far: few additions of a small to a large number.
    private const int SumsPerBlock = 64;

    private static CompositeLaunch BindPortable<T, TStorage>(KernelContext context, Arguments<T> arguments)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        Workspace workspace = Workspace.ForRecords(context, ref arguments);
        int groupSize = context.GroupSize(PreferredGroupSize);
        arguments.TeamSize = RowTeam.SizeFor(arguments.Settings.Columns, groupSize);
        int groups = context.GroupsFor(arguments.Rows, groupSize / arguments.TeamSize);
        return Launches(
            context,
            KernelVariant.Portable,
            arguments,
            workspace,
            context.Portable(nameof(DistillationLoss), RowKernel<T, TStorage>, groups, groupSize, arguments));
    }

    [KernelEntry]
    internal static void RowKernel<T, TStorage>(Arguments<T> a)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        ArrayView<RowRange> ranges = SharedMemory.Allocate<RowRange>(RowTeam.MaxGroupSize);
        ArrayView<RowSums> scratch = SharedMemory.Allocate<RowSums>(RowTeam.MaxGroupSize);
        TStorage storage = default;
        RowTeam team = new(a.TeamSize);
        float softReduction = SoftReductionOf(a);
        float hardReduction = HardReductionOf(a);
        long step = (long)Grid.DimX * team.RowsPerGroup;
        for (long first = (long)Grid.IdxX * team.RowsPerGroup; first < a.Rows; first += step)
        {
            bool active = first + team.Slot < a.Rows;
            long row = active ? first + team.Slot : a.Rows - 1;
            RowTask task = TaskOf(a, row);
            long z = row * a.Settings.Columns;
            long v = (long)task.TeacherRow * a.Settings.Columns;
            bool labelled = task.Class >= 0;
            RowLabel label = new() { Class = task.Class, Weight = 1, Student = 0, Teacher = 0 };
            if (labelled)
            {
                label.Student = storage.Load(a.Student, z + task.Class);
                if (a.Settings.Soft != 0)
                    label.Teacher = storage.Load(a.Teacher, v + task.Class);
                if (a.HasClassWeights != 0)
                    label.Weight = a.ClassWeights[task.Class];
            }

            int columns = task.Works != 0 ? a.Settings.Columns : 0;
            RowSums sums = Sums<T, TStorage>(a, task, RangeOf<T, TStorage>(a, team, columns, z, v, ranges), team, columns, z, v, scratch);
            RowLoss loss = RowLoss.Invalid((InvalidRowReason)task.Reason);
            if (task.Works != 0)
                loss = RowLoss.Of(a.Settings, sums, label, softReduction, hardReduction);
            if (!active)
                continue;
            if (team.Lane == 0)
                StoreRow(a, row, loss, RowRecord.Of(loss, sums, task.Class, a.Settings.Columns));
            if (a.HasGradient != 0)
                StoreGradient<T, TStorage>(a, loss, sums, label, team, z, v);
        }
    }

    private static RowRange RangeOf<T, TStorage>(
        Arguments<T> a, RowTeam team, int columns, long z, long v, ArrayView<RowRange> scratch)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        TStorage storage = default;
        RowRange range = RowRange.Empty;
        for (int i = team.Lane; i < columns; i += team.Size)
        {
            float student = storage.Load(a.Student, z + i);
            range.StudentMaximum = XMath.Max(range.StudentMaximum, student);
            range.StudentMinimum = XMath.Min(range.StudentMinimum, student);
            if (a.Settings.Soft != 0)
            {
                float teacher = storage.Load(a.Teacher, v + i);
                range.TeacherMaximum = XMath.Max(range.TeacherMaximum, teacher);
                range.TeacherMinimum = XMath.Min(range.TeacherMinimum, teacher);
            }
        }

        if (team.Size == 1)
            return range;
        Group.Barrier(); // the scratch may still be read by the row before
        scratch[Group.IdxX] = range;
        Group.Barrier();
        for (int half = team.Size / 2; half > 0; half /= 2)
        {
            if (team.Lane < half)
                scratch[Group.IdxX] = RowRange.Union(scratch[Group.IdxX], scratch[Group.IdxX + half]);
            Group.Barrier();
        }

        return scratch[team.Slot * team.Size];
    }

    private static RowSums Sums<T, TStorage>(
        Arguments<T> a, RowTask task, RowRange range, RowTeam team, int columns, long z, long v, ArrayView<RowSums> scratch)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        TStorage storage = default;
        bool flat = a.Settings.SeeksFlatRows != 0 && RowRange.IsFlat(range, a.Settings.InverseTemperature);
        bool hard = a.Settings.Hard != 0 && task.Class >= 0;
        RowSums sums = default;
        int block = team.Size * SumsPerBlock;
        for (int start = 0; start < columns; start += block)
        {
            int end = XMath.Min(columns - start, block) + start;
            RowSums part = default;
            for (int i = start + team.Lane; i < end; i += team.Size)
            {
                float logit = storage.Load(a.Student, z + i);
                float student = logit - range.StudentMaximum;
                if (a.Settings.Soft != 0)
                {
                    float teacher = storage.Load(a.Teacher, v + i) - range.TeacherMaximum;
                    float x = student * a.Settings.InverseTemperature;
                    float y = teacher * a.Settings.InverseTemperature;
                    float less = RowLoss.Expm1Half(y);
                    float e = flat ? 1 + less : XMath.Exp(y);
                    part.Student += flat ? e * RowLoss.ExcessHalf(x - y) : XMath.Exp(x);
                    part.Teacher += flat ? less : e;
                    part.Cross += e < RowSums.SmallestWeight ? 0 : e * student;
                    part.Difference += e < RowSums.SmallestWeight ? 0 : e * (student - teacher);
                }

                if (hard)
                    part.Hard += XMath.Exp(student);
                if (hard && a.Settings.Smoothing > 0)
                {
                    float weight = a.HasClassWeights != 0 ? a.ClassWeights[i] : 1;
                    part.UniformWeight += weight;
                    part.Uniform += weight == 0 ? 0 : weight * student;
                }

                if (logit == range.StudentMaximum)
                    part.FirstFromEnd = XMath.Max(part.FirstFromEnd, a.Settings.Columns - i);
            }

            sums = RowSums.Add(sums, part);
        }

        if (team.Size > 1)
        {
            Group.Barrier(); // the scratch may still be read by the row before
            scratch[Group.IdxX] = sums;
            Group.Barrier();
            for (int half = team.Size / 2; half > 0; half /= 2)
            {
                if (team.Lane < half)
                    scratch[Group.IdxX] = RowSums.Add(scratch[Group.IdxX], scratch[Group.IdxX + half]);
                Group.Barrier();
            }

            sums = scratch[team.Slot * team.Size];
        }

        sums.StudentMaximum = range.StudentMaximum;
        sums.TeacherMaximum = range.TeacherMaximum;
        sums.Flat = flat ? 1 : 0;
        return sums;
    }

    private static void StoreGradient<T, TStorage>(
        Arguments<T> a, RowLoss loss, RowSums sums, RowLabel label, RowTeam team, long z, long v)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        TStorage storage = default;
        // Factors of 0 take no exponential: infinity * 0 must not spoil an invalid row, and rows without an objective are cheap.
        bool soft = loss.StudentFactor > 0;
        bool hard = loss.HardFactor > 0;
        for (int i = team.Lane; i < a.Settings.Columns; i += team.Size)
        {
            float gradient = 0;
            if (soft || hard)
            {
                float logit = storage.Load(a.Student, z + i);
                if (soft)
                {
                    float other = storage.Load(a.Teacher, v + i);
                    gradient = sums.Flat != 0
                        ? RowLoss.FlatGradient(loss, a.Settings, sums, logit, other, label.Class >= 0)
                        : (loss.StudentFactor * XMath.Exp((logit - sums.StudentMaximum) * a.Settings.InverseTemperature))
                            - (loss.TeacherFactor * XMath.Exp((other - sums.TeacherMaximum) * a.Settings.InverseTemperature));
                }

                if (hard)
                {
                    gradient += loss.HardFactor * XMath.Exp(logit - sums.StudentMaximum);
                    if (loss.UniformFactor > 0)
                        gradient -= loss.UniformFactor * (a.HasClassWeights != 0 ? a.ClassWeights[i] : 1);
                }

                if (i == label.Class)
                    gradient -= loss.LabelTerm;
            }

            storage.Store(a.Gradient, z + i, gradient);
        }
    }

    private static void StoreRow<T>(Arguments<T> a, long row, RowLoss loss, RowRecord record)
        where T : unmanaged
    {
        a.Records[row] = record;
        StoreLosses(a, row, loss);
    }

    private static void StoreLosses<T>(Arguments<T> a, long row, RowLoss loss)
        where T : unmanaged
    {
        if (a.HasSoftLosses != 0)
            a.SoftLosses[row] = loss.Soft;
        if (a.HasHardLosses != 0)
            a.HardLosses[row] = loss.Hard;
        if (a.HasTotalLosses != 0)
            a.TotalLosses[row] = (a.Settings.SoftWeight * loss.Soft) + (a.Settings.HardWeight * loss.Hard);
    }
}
