using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      gather of the teacher's row, both zero-meanings, loss, accuracy and gradient. Each logit is read once where a team's
//             registers hold the row (C up to 16 per thread, 4096 in groups of 256), else twice, for the mean and for the rest.
// Math:       d[i] = z[i] - v[i] - mean(z - v),   loss = 1/(2C) sum_i d[i]^2
//             (the difference of two zero-meaned rows is the zero-meaned difference: one mean instead of two)
// Gradient:   d[i] / C, times weight and scale; zero-meaning is a projection, and d is already in its image.
// Shapes:     Student, Gradient [Rows x Columns], Teacher [TeacherCount x Columns], losses [Rows]; the gradient may lie over the student's
//             logits: an element is written by the thread that read it, after a reduction behind every other read of its row.
// Geometry:   1-D groups, TeamSize threads per row, groups stride over the rows. What goes before and after, the count of the rows that
//             take part and the totals, is in Batches/BatchLaunches.cs; to it, this is a soft loss.
// Numerics:   fp32, fixed order: four terms, a thread's quads, a tree of the threads.
// Edges:      tail rows are computed again by idle teams (barriers stay uniform) and not stored. -inf is left out; a row with NaN or +inf
//             is left out whole, and which side it is on follows from bits that are joined with the sums.
// Reference:  LogitMatching.Reference.cs
public static partial class LogitMatching
{
    private const int PreferredGroupSize = 256;

    private static CompositeLaunch BindPortable(KernelContext context, Arguments arguments)
    {
        bool whole = IsWhole(arguments);
        LossWorkspace workspace = LossWorkspace.ForRecords(context, ref arguments.Loss);
        int groupSize = context.GroupSize(PreferredGroupSize);
        arguments.Loss.TeamSize = RowTeam.SizeFor(arguments.Loss.Settings.Columns, groupSize);
        int groups = context.GroupsFor(arguments.Loss.Rows, groupSize / arguments.Loss.TeamSize);
        return BatchLaunches.Around(nameof(LogitMatching), context, KernelVariant.Portable, arguments.Loss, workspace, () => context.BindKernel(
            nameof(LogitMatching), whole ? RowKernel<WholeQuads> : RowKernel<SingleElements<float, FloatStorage>>, groups, groupSize, arguments));
    }

    // Whether each row begins at a multiple of 16 bytes and is a whole number of them.
    private static bool IsWhole(Arguments arguments) =>
        arguments.Loss.Settings.Columns % Quad.Length == 0 && LossArguments.AreAligned(arguments.Loss);

    [KernelEntry(DropsRacingReads = true, Instances = nameof(PortableInstances))]
    internal static void RowKernel<TAccess>(Arguments arguments)
        where TAccess : unmanaged, IQuadAccess<float> =>
        MatchRows<TAccess, FewQuadsRow, TreeReduction>(arguments);

    private static void MatchRows<TAccess, TRow, TReduction>(Arguments arguments)
        where TAccess : unmanaged, IQuadAccess<float>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction
    {
        LossArguments<float> a = arguments.Loss;
        RowTeam team = new(a.TeamSize);
        float reduction = LossArguments.SoftReductionOf(a);
        long step = (long)Grid.DimX * team.RowsPerGroup;
        for (long first = (long)Grid.IdxX * team.RowsPerGroup; first < a.Rows; first += step)
        {
            bool active = first + team.Slot < a.Rows;
            long row = active ? first + team.Slot : a.Rows - 1;
            RowTask task = RowTask.Of(a, row);
            RowSource<float> source = RowTask.SourceOf(a, team, row, task);
            bool writes = active && a.HasGradient != 0;
            RowRecord record = MatchRow<TAccess, TRow, TReduction>(arguments, task, source, a.Gradient, reduction, team, writes);
            if (active && team.Lane == 0)
                RowRecord.Store(a, row, record);
        }
    }

    // One row, by its team; its gradient to the student's place in a view.
    private static RowRecord MatchRow<TAccess, TRow, TReduction>(
        Arguments arguments,
        RowTask task,
        RowSource<float> source,
        ArrayView<float> gradient,
        float reduction,
        RowTeam team,
        bool writes)
        where TAccess : unmanaged, IQuadAccess<float>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction
    {
        TAccess access = default;
        TReduction teamReduction = default;
        LossSettings settings = arguments.Loss.Settings;
        MatchingSumsPass sumsPass = new() { Class = task.Class, LabelLogit = float.PositiveInfinity };
        if (task.Class >= 0)
            sumsPass.LabelLogit = access.LoadOne(source.Student, source.StudentStart + task.Class);
        TRow row = default;
        int block = row.Quads * Quad.Length * team.Size;
        MatchingSums sums = default;
        for (int column = 0; column < source.Columns; column += block)
        {
            RowSource<float> some = source.Block(column, block);
            row = LogitRow.Load<float, TAccess, TRow>(some);
            sums = row.Fold<float, TAccess, MatchingSums, MatchingSumsPass>(some, some.First, sums, sumsPass);
        }

        sums = teamReduction.Join<MatchingSums, MatchingSums.Addition>(sums, team);
        int reason = task.Reason != 0 ? task.Reason : ReasonOf(sums);
        float perClass = 1f / sums.Kept; // of no use in a row that is left out
        MatchingGradient<TAccess> pass = new()
        {
            Target = new GradientTarget<float> { Gradient = gradient, Start = source.StudentStart, Columns = settings.Columns },
            Mean = arguments.ZeroMean != 0 ? sums.Sum * perClass : 0,
            Factor = reason == 0 ? settings.SoftWeight * reduction * perClass : 0,
            HasLoss = reason == 0 ? 1 : 0,
            Writes = writes ? 1 : 0,
        };
        float squares = 0;
        source.Columns = settings.Columns; // a row that is left out has a gradient too: 0
        for (int column = 0; column < source.Columns; column += block)
        {
            RowSource<float> some = source.Block(column, block);
            if (settings.Columns > block) // else the registers still hold the row
                row = LogitRow.Load<float, TAccess, TRow>(some);
            squares = row.Fold<float, TAccess, float, MatchingGradient<TAccess>>(some, some.First, squares, pass);
        }

        squares = teamReduction.Join<float, Sum>(squares, team);
        float loss = reason == 0 ? 0.5f * squares * perClass : 0;
        bool correct = task.Class >= 0 && (sums.State & MatchingSums.LabelIsBeaten) == 0;
        return new RowRecord { Soft = loss, KlDivergence = loss, State = RowRecord.StateOf(task.Class >= 0, correct, reason) };
    }

    // The InvalidRowReason: of -infinity wherever the other has a logit, and of differences beyond fp32, the student's.
    private static int ReasonOf(MatchingSums sums)
    {
        int reason = 0;
        if (sums.Kept == 0 || !FloatBits.IsFinite(sums.Sum))
            reason = (int)InvalidRowReason.StudentLogits;
        if ((sums.State & MatchingSums.TeacherIsBad) != 0 || (sums.State & MatchingSums.TeacherHasClasses) == 0)
            reason = (int)InvalidRowReason.TeacherLogits;
        if ((sums.State & MatchingSums.StudentIsBad) != 0 || (sums.State & MatchingSums.StudentHasClasses) == 0)
            reason = (int)InvalidRowReason.StudentLogits;
        return reason;
    }

    // For the catalog.
    private static IEnumerable<Type[]> PortableInstances()
    {
        yield return [typeof(WholeQuads)];
        yield return [typeof(SingleElements<float, FloatStorage>)];
    }
}
