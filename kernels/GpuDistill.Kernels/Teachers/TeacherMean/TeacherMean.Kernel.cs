using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      zero-meaning or log-softmax of a row, the scatter to its place in the store and the addition: logits are
//             read twice, the store is read and written once.
// Math:       geometric    store += z - mean(z)                        finish: store / M
//             arithmetic   store = T log(exp(store/T) + softmax(z/T))  finish: store - T log M
//             The second sum is taken as max + T log(1 + exp(-|difference| / T)), so that no probability underflows.
// Shapes:     Logits [Batch x Columns], Rows [Batch], Store [StoreRows x Columns].
// Geometry:   additions: 1-D groups, TeamSize threads per row, groups stride over the rows; finish: a thread per element.
// Numerics:   fp32, fixed order: a thread sums its elements in order, a tree sums the threads. The mean is summed in
//             parts of 1/C, so that no finite logits overflow. Arithmetic: an error of about T log(M C) epsilon in units
//             of logits, which is epsilon in a probability.
// Edges:      rows outside the store are computed and not stored (barriers stay uniform), tail rows too. -inf is left out of
//             the mean. A row without a softmax is written as NaN, and NaN stays NaN whatever is added.
// Reference:  TeacherMean.Reference.cs
public static partial class TeacherMean
{
    private const int PreferredGroupSize = 256;

    private static Launch BindPortableAdd(KernelContext context, AddArguments arguments)
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        arguments.TeamSize = RowTeam.SizeFor(arguments.Columns, groupSize);
        int groups = context.GroupsFor(arguments.Batch, groupSize / arguments.TeamSize);
        Action<AddArguments> kernel = arguments.Probabilities != 0 ? AddProbabilitiesKernel : AddLogitsKernel;
        return context.BindKernel(nameof(TeacherMean), kernel, groups, groupSize, arguments);
    }

    private static Launch BindPortableFinish(KernelContext context, FinishArguments arguments)
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        int groups = context.GroupsFor(arguments.Store.Length, groupSize);
        return context.BindKernel(nameof(TeacherMean), FinishKernel, groups, groupSize, arguments);
    }

    [KernelEntry]
    internal static void AddLogitsKernel(AddArguments a)
    {
        TreeReduction reduction = default;
        RowTeam team = new(a.TeamSize);
        float part = 1f / a.Columns;
        long step = (long)Grid.DimX * team.RowsPerGroup;
        for (long first = (long)Grid.IdxX * team.RowsPerGroup; first < a.Batch; first += step)
        {
            long row = first + team.Slot;
            long start = (row < a.Batch ? row : a.Batch - 1) * a.Columns;
            float sum = 0;
            float count = 0;
            for (int i = team.Lane; i < a.Columns; i += team.Size)
            {
                float z = a.Logits[start + i];
                if (z != float.NegativeInfinity) // true for NaN, which then spoils the sum
                {
                    sum += z * part;
                    count += 1;
                }
            }

            sum = reduction.Join<float, Sum>(sum, team);
            count = reduction.Join<float, Sum>(count, team);
            bool valid = count > 0 && sum > float.NegativeInfinity && sum < float.PositiveInfinity;
            float mean = a.ZeroMean != 0 ? sum * (a.Columns / count) : 0;
            int target = row < a.Batch ? a.Rows[row] : -1;
            if (target < 0 || target >= a.StoreRows)
                continue;
            long place = (long)target * a.Columns;
            for (int i = team.Lane; i < a.Columns; i += team.Size)
            {
                float value = valid ? a.Logits[start + i] - mean : float.NaN;
                a.Store[place + i] = a.First != 0 ? value : a.Store[place + i] + value;
            }
        }
    }

    [KernelEntry]
    internal static void AddProbabilitiesKernel(AddArguments a)
    {
        TreeReduction reduction = default;
        RowTeam team = new(a.TeamSize);
        long step = (long)Grid.DimX * team.RowsPerGroup;
        for (long first = (long)Grid.IdxX * team.RowsPerGroup; first < a.Batch; first += step)
        {
            long row = first + team.Slot;
            long start = (row < a.Batch ? row : a.Batch - 1) * a.Columns;

            // A maximum that begins at the lowest finite number leaves the sum of a row of -inf at 0.
            float maximum = float.MinValue;
            float sum = 0;
            for (int i = team.Lane; i < a.Columns; i += team.Size)
            {
                float z = a.Logits[start + i];
                if (z > maximum)
                {
                    sum *= XMath.Exp((maximum - z) * a.InverseTemperature);
                    maximum = z;
                }

                sum += XMath.Exp((z - maximum) * a.InverseTemperature);
            }

            float rowMaximum = reduction.Join<float, Larger>(maximum, team);
            sum = reduction.Join<float, Sum>(sum * XMath.Exp((maximum - rowMaximum) * a.InverseTemperature), team);
            float offset = sum > 0 ? a.Temperature * XMath.Log(sum) : float.NaN;
            int target = row < a.Batch ? a.Rows[row] : -1;
            if (target < 0 || target >= a.StoreRows)
                continue;
            long place = (long)target * a.Columns;
            for (int i = team.Lane; i < a.Columns; i += team.Size)
            {
                float value = a.Logits[start + i] - rowMaximum - offset;
                a.Store[place + i] = a.First != 0 ? value : LogAdd(a.Store[place + i], value, a.Temperature, a.InverseTemperature);
            }
        }
    }

    [KernelEntry]
    internal static void FinishKernel(FinishArguments a)
    {
        long stride = (long)Grid.DimX * Group.DimX;
        for (long i = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; i < a.Store.Length; i += stride)
            a.Store[i] = (a.Store[i] * a.Scale) + a.Offset;
    }

    // T log(exp(x / T) + exp(y / T)); the difference of two -inf would be NaN.
    private static float LogAdd(float x, float y, float temperature, float inverseTemperature)
    {
        if (x == float.NegativeInfinity)
            return y;
        if (y == float.NegativeInfinity)
            return x;
        float difference = x - y;
        float larger = difference > 0 ? x : y;
        return larger + (temperature * XMath.Log(1 + XMath.Exp(-XMath.Abs(difference) * inverseTemperature)));
    }
}
