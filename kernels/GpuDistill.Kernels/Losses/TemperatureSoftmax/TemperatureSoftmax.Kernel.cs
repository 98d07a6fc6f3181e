using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      maximum, sum and division. Logits are read once where a team's registers hold the row (C up to 16 per thread, 4096 in
//             groups of 256), else twice, a block of each thread's registers at a time: the first time keeps a running maximum
//             and rescales the sum where it grows (online softmax; Milakov and Gimelshein 2018). The output is written once.
// Math:       q[i] = exp((z[i] - m) / T) / s,   s = sum_j exp((z[j] - m) / T),   m = max_j z[j]
//             log q[i] = (z[i] - m) / T - log s
// Shapes:     Logits, Output [Rows x Columns]; in place allowed: an element is written by the thread that read it. Four elements are one
//             access where rows are whole quads in aligned views.
// Geometry:   1-D groups; TeamSize threads per row, several rows per group, groups stride over the rows.
// Numerics:   fp32, fixed order: four terms, a block's quads, a thread's blocks, a tree of the threads. e^x is 2^(x log2 e) with the
//             factor folded into 1 / T.
// Edges:      tail rows are computed again by idle teams (barriers stay uniform) and not stored. -inf gives 0. A row
//             without a softmax ends with s = NaN or 0 and is written as NaN.
// Reference:  TemperatureSoftmax.Reference.cs
public static partial class TemperatureSoftmax
{
    private const int PreferredGroupSize = 256;
    private const float Log2E = 1.44269504f;

    private static Launch BindPortable<T, TStorage>(KernelContext context, Arguments<T> arguments)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        arguments.TeamSize = RowTeam.SizeFor(arguments.Settings.Columns, groupSize);
        int groups = context.GroupsFor(arguments.Rows, groupSize / arguments.TeamSize);
        Action<Arguments<T>> kernel = IsWhole(arguments) && typeof(T) == typeof(float)
            ? (Action<Arguments<T>>)(object)(Action<Arguments<float>>)Kernel<float, WholeQuads>
            : Kernel<T, SingleElements<T, TStorage>>;
        return context.BindKernel(nameof(TemperatureSoftmax), kernel, groups, groupSize, arguments);
    }

    // Whether each row begins at a multiple of 16 bytes and is a whole number of them.
    private static bool IsWhole<T>(Arguments<T> a)
        where T : unmanaged =>
        a.Settings.Columns % Quad.Length == 0 && BufferSpan.IsAligned(a.Logits) && BufferSpan.IsAligned(a.Output);

    [KernelEntry(DropsRacingReads = true, Instances = nameof(PortableInstances))]
    internal static void Kernel<T, TAccess>(Arguments<T> a)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> =>
        Rows<T, TAccess, FewQuadsRow, TreeReduction>(a);

    private static void Rows<T, TAccess, TRow, TReduction>(Arguments<T> a)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction
    {
        RowTeam team = new(a.TeamSize);
        long step = (long)Grid.DimX * team.RowsPerGroup;
        for (long first = (long)Grid.IdxX * team.RowsPerGroup; first < a.Rows; first += step)
        {
            bool active = first + team.Slot < a.Rows;
            long row = active ? first + team.Slot : a.Rows - 1;
            Row<T, TAccess, TRow, TReduction>(a.Settings, a.Logits, a.Output, row * a.Settings.Columns, team, active);
        }
    }

    // One row, from and to the same place in both views; an idle team writes nothing.
    private static void Row<T, TAccess, TRow, TReduction>(
        Settings settings, ArrayView<T> logits, ArrayView<T> output, long start, RowTeam team, bool active)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
        where TReduction : unmanaged, IRowReduction
    {
        TReduction reduction = default;
        TRow row = default;
        RowSource<T> source = new()
        {
            Student = logits,
            Teacher = logits,
            StudentStart = start,
            Columns = settings.Columns,
            First = team.Lane * Quad.Length,
            Stride = team.Size * Quad.Length,
        };
        float scale = settings.InverseTemperature * Log2E;
        int block = row.Quads * Quad.Length * team.Size;
        float maximum = float.MinValue; // finite, so that -infinity less it is -infinity
        float sum = 0;
        for (int column = 0; column < settings.Columns; column += block)
        {
            RowSource<T> some = source.Block(column, block);
            row = LogitRow.Load<T, TAccess, TRow>(some);
            float higher = row.Fold<T, TAccess, float, LargestLogit>(some, some.First, maximum, default);
            SumOfExponentials terms = new() { Scale = scale, Maximum = higher };
            sum = row.Fold<T, TAccess, float, SumOfExponentials>(some, some.First, sum * XMath.Exp2((maximum - higher) * scale), terms);
            maximum = higher;
        }

        float rowMaximum = reduction.Join<float, Larger>(maximum, team);
        sum = reduction.Join<float, Sum>(sum * XMath.Exp2((maximum - rowMaximum) * scale), team);
        if (!active)
            return;
        SoftmaxOutput<T, TAccess> pass = new()
        {
            Output = output,
            Start = start,
            Columns = settings.Columns,
            Maximum = rowMaximum,
            Scale = settings.Log != 0 ? settings.InverseTemperature : scale,
            Normalizer = NormalizerOf(sum, settings.Log),
            Log = settings.Log,
        };
        for (int column = 0; column < settings.Columns; column += block)
        {
            RowSource<T> some = source.Block(column, block);
            if (settings.Columns > block) // else the registers still hold the row
                row = LogitRow.Load<T, TAccess, TRow>(some);
            row.Fold<T, TAccess, int, SoftmaxOutput<T, TAccess>>(some, some.First, 0, pass);
        }
    }

    private static float NormalizerOf(float sum, int log)
    {
        float normalizer = float.NaN;
        if (FloatBits.IsPositive(sum))
            normalizer = log != 0 ? XMath.Log(sum) : 1 / sum;
        return normalizer;
    }

    // For the catalog.
    private static IEnumerable<Type[]> PortableInstances()
    {
        yield return [typeof(float), typeof(WholeQuads)];
        yield return [typeof(float), typeof(SingleElements<float, FloatStorage>)];
    }
}
