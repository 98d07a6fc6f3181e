using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      gather of the teacher's row, both zero-meanings, loss, accuracy and gradient: each logit is read twice, the
//             second time from cache, and nothing else of the size of the logits is read or written.
// Math:       d[i] = z[i] - v[i] - mean(z - v),   loss = 1/(2C) sum_i d[i]^2
//             (the difference of two zero-meaned rows is the zero-meaned difference: one mean instead of two)
// Gradient:   d[i] / C, times weight and scale; zero-meaning is a projection, and d is already in its image.
// Shapes:     Student, Gradient [Rows x Columns], Teacher [TeacherCount x Columns], Outcomes and losses [Rows].
// Geometry:   rows: 1-D groups, TeamSize threads per row, groups stride over the rows; totals: one group for all rows.
//             Where the scale follows from the number of rows that take part, the gradient is a launch of its own after the totals.
// Numerics:   fp32, fixed order: a thread sums its elements in order, a tree sums the threads; rows likewise.
// Edges:      tail rows are computed again by idle teams (barriers stay uniform) and not stored. A count of NaN stands for a row
//             with a NaN or +inf; -inf is left out.
// Reference:  LogitMatching.Reference.cs
public static partial class LogitMatching
{
    private const int PreferredGroupSize = 256;

    private static CompositeLaunch BindPortable(KernelContext context, Arguments arguments)
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        arguments.TeamSize = RowTeam.SizeFor(arguments.Columns, groupSize);
        int groups = context.GroupsFor(arguments.Rows, groupSize / arguments.TeamSize);
        Workspace workspace = new(context, ref arguments);
        bool gradient = arguments.Gradient.Length > 0;
        bool apart = gradient && arguments.OverRowsTakingPart != 0;
        List<Launch> parts = [Rows(losses: true, gradient && !apart)];
        if (apart || arguments.WantsTotals)
            parts.Add(context.Portable(nameof(LogitMatching), TotalsKernel, 1, groupSize, arguments));
        if (apart)
            parts.Add(Rows(losses: false, gradient));
        return new CompositeLaunch(nameof(LogitMatching), KernelVariant.Portable, [.. parts], workspace);

        Launch Rows(bool losses, bool gradient) => context.Portable(
            nameof(LogitMatching),
            RowsKernel,
            groups,
            groupSize,
            arguments with { WriteLosses = losses ? 1 : 0, WriteGradient = gradient ? 1 : 0 });
    }

    [KernelEntry]
    internal static void RowsKernel(Arguments a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(RowTeam.MaxGroupSize);
        RowTeam team = new(a.TeamSize);
        float scale = a.Weight * (a.OverRowsTakingPart != 0 && a.WriteGradient != 0 ? a.MeanScale[0] : a.Scale);
        long step = (long)Grid.DimX * team.RowsPerGroup;
        for (long first = (long)Grid.IdxX * team.RowsPerGroup; first < a.Rows; first += step)
        {
            bool active = first + team.Slot < a.Rows;
            long row = active ? first + team.Slot : a.Rows - 1;
            int source = a.TeacherRow(row);
            bool known = source >= 0 && source < a.TeacherCount;
            long student = row * a.Columns;
            long teacher = known ? (long)source * a.Columns : 0;
            int label = a.Label(row);
            bool ignored = label == a.IgnoreIndex;
            bool labelled = !ignored && label >= 0 && label < a.Columns;
            float labelLogit = labelled ? Load(a.Student, student + label) : float.PositiveInfinity;

            float sum = 0;
            float count = 0;
            float better = 0; // classes that are predicted rather than the label; of equal logits the first counts
            for (int i = team.Lane; i < a.Columns; i += team.Size)
            {
                float z = Load(a.Student, student + i);
                float v = Load(a.Teacher, teacher + i);
                if (!FloatBits.IsLogit(z) || !FloatBits.IsLogit(v))
                {
                    count = float.NaN;
                }
                else if (z > float.NegativeInfinity && v > float.NegativeInfinity)
                {
                    sum += z - v;
                    count += 1;
                }

                if (z > labelLogit || (z == labelLogit && i < label))
                    better += 1;
            }

            sum = team.Sum(sum, scratch);
            count = team.Sum(count, scratch);
            if (a.Labels.Length > 0)
                better = team.Sum(better, scratch);
            bool finite = FloatBits.IsFinite(count) && count > 0 && FloatBits.IsFinite(sum);
            bool valid = known && (ignored || labelled) && finite;
            float mean = a.ZeroMean != 0 ? sum / count : 0;
            int reason = 0;
            if (!valid && team.Lane == 0 && a.WriteLosses != 0)
            {
                reason = !ignored && !labelled ? (int)InvalidRowReason.Label
                    : !known ? (int)InvalidRowReason.TeacherRow
                    : Diagnose(a, student, teacher);
            }

            if (team.Size > 1)
                Group.Barrier(); // the label's logit and the diagnosis were read; from here on a gradient may overwrite them

            float squares = 0;
            for (int i = team.Lane; i < a.Columns; i += team.Size)
            {
                float z = Load(a.Student, student + i);
                float v = Load(a.Teacher, teacher + i);
                bool kept = valid && z > float.NegativeInfinity && v > float.NegativeInfinity;
                float difference = kept ? z - v - mean : 0;
                squares += difference * difference;
                if (active && a.WriteGradient != 0)
                    Store(a.Gradient, student + i, kept ? scale * difference / count : 0);
            }

            if (a.WriteLosses == 0)
                continue;
            squares = team.Sum(squares, scratch);
            if (!active || team.Lane != 0)
                continue;
            float loss = valid ? squares / (2 * count) : 0;
            a.StoreLosses(row, loss);
            a.Outcomes[row] = new RowOutcome
            {
                Loss = loss,
                Labelled = labelled ? 1 : 0,
                Correct = valid && labelled && better == 0 ? 1 : 0,
                Reason = reason,
            };
        }
    }

    // One thread, and only for a row that is invalid.
    private static int Diagnose(Arguments a, long student, long teacher)
    {
        if (!HasSoftmax(a.Student, student, a.Columns))
            return (int)InvalidRowReason.StudentLogits;
        if (!HasSoftmax(a.Teacher, teacher, a.Columns))
            return (int)InvalidRowReason.TeacherLogits;
        return (int)InvalidRowReason.StudentLogits; // -inf wherever the teacher is not, or differences beyond fp32
    }

    private static bool HasSoftmax(ArrayView<float> logits, long start, int columns)
    {
        float maximum = float.NegativeInfinity;
        for (int i = 0; i < columns; i++)
        {
            float x = Load(logits, start + i);
            if (!FloatBits.IsLogit(x))
                return false;
            maximum = XMath.Max(maximum, x);
        }

        return maximum > float.NegativeInfinity;
    }

    // The only places where a logit or its gradient is read or written: a storage type narrower than fp32 belongs here.
    private static float Load(ArrayView<float> view, long index) => view[index];

    private static void Store(ArrayView<float> view, long index, float value) => view[index] = value;
}
