using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

// Fused:      maximum, sum and division in two reads of the row; the first read keeps a running maximum and rescales
//             the sum when it grows (online softmax), so logits are read twice and the output is written once.
// Math:       q[i] = exp((z[i] - m) / T) / s,   s = sum_j exp((z[j] - m) / T),   m = max_j z[j]
//             log q[i] = (z[i] - m) / T - log s
// Shapes:     Logits, Output [Rows x Columns]; in place allowed: an element is written by the thread that read it.
// Geometry:   1-D groups; TeamSize threads per row, several rows per group, groups stride over the rows.
// Numerics:   fp32, fixed order: a thread sums its elements in order, a tree sums the threads.
// Edges:      tail rows are computed again by idle teams (barriers stay uniform) and not stored. -inf gives 0. A row
//             without a softmax ends with s = NaN or 0 and is written as NaN.
// Reference:  TemperatureSoftmax.Reference.cs
public static partial class TemperatureSoftmax
{
    private const int PreferredGroupSize = 256;

    private static Launch BindPortable<T, TStorage>(KernelContext context, Arguments<T> arguments)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        arguments.TeamSize = RowTeam.SizeFor(arguments.Columns, groupSize);
        int groups = context.GroupsFor(arguments.Rows, groupSize / arguments.TeamSize);
        return context.Portable(nameof(TemperatureSoftmax), Kernel<T, TStorage>, groups, groupSize, arguments);
    }

    [KernelEntry]
    internal static void Kernel<T, TStorage>(Arguments<T> a)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        TStorage storage = default;
        ArrayView<float> scratch = SharedMemory.Allocate<float>(RowTeam.MaxGroupSize);
        RowTeam team = new(a.TeamSize);
        long step = (long)Grid.DimX * team.RowsPerGroup;
        for (long first = (long)Grid.IdxX * team.RowsPerGroup; first < a.Rows; first += step)
        {
            long row = first + team.Slot;
            bool active = row < a.Rows;
            long start = (active ? row : a.Rows - 1) * a.Columns;

            float maximum = float.MinValue;
            float sum = 0;
            for (int i = team.Lane; i < a.Columns; i += team.Size)
            {
                float z = storage.Load(a.Logits, start + i);
                if (z > maximum)
                {
                    sum *= XMath.Exp((maximum - z) * a.InverseTemperature);
                    maximum = z;
                }

                sum += XMath.Exp((z - maximum) * a.InverseTemperature);
            }

            float rowMaximum = team.Max(maximum, scratch);
            sum = team.Sum(sum * XMath.Exp((maximum - rowMaximum) * a.InverseTemperature), scratch);
            float inverseSum = sum > 0 ? 1 / sum : float.NaN;
            float logSum = sum > 0 ? XMath.Log(sum) : float.NaN;
            if (!active)
                continue;
            for (int i = team.Lane; i < a.Columns; i += team.Size)
            {
                float x = (storage.Load(a.Logits, start + i) - rowMaximum) * a.InverseTemperature;
                storage.Store(a.Output, start + i, a.Log != 0 ? x - logSum : XMath.Exp(x) * inverseSum);
            }
        }
    }
}
