using System.Runtime.CompilerServices;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.GpuTimings;

/// <summary>The distillation loss, forward and backward, on one shape: checked on some rows, then timed.</summary>
internal static class LossTiming
{
    private const int CheckedRows = 8;

    // Between the teacher rows of neighbouring rows, where they are gathered: an odd prime, so that each comes once.
    private const long Stride = 611_953;

    // Of the gradient's largest element in the row, beside one rounding to the type: far above rounding, far below a mistake.
    private const double CheckedError = 1e-4;

    /// <summary>All shapes in both types, those with a target first; few rows of them where <paramref name="device"/> is none to be timed.</summary>
    public static IEnumerable<Work> All(TimingDevice device)
    {
        foreach (LossWork work in LossWork.All)
        {
            LossWork some = device.IsDry ? work with { Rows = Math.Max(2, 20_000 / work.Columns) } : work;
            yield return Of(device, some, ElementTypes.Single);
            yield return Of(device, some, ElementTypes.BFloat16);
        }
    }

    private static Work Of<T>(TimingDevice device, LossWork work, ElementType<T> type)
        where T : unmanaged =>
        new(
            new Timing("loss", $"distillation loss {work}", type.Name) { Rows = work.Rows, Columns = work.Columns, Gathered = work.Gathered },
            timing => Measure(timing, device, work, type));

    private static Timing Measure<T>(Timing timing, TimingDevice device, LossWork work, ElementType<T> type)
        where T : unmanaged
    {
        (int rows, int columns, bool gathered) = work;
        KernelContext kernels = device.Kernels(MatrixPrecision.Exact);
        long length = (long)rows * columns;
        int size = Unsafe.SizeOf<T>();
        double bytes = LossTraffic.Bytes(rows, columns, size);
        T[] values = [.. Values(rows, columns).Select(type.Round)];
        int[] labels = [.. Enumerable.Range(0, rows).Select(row => row % columns)];
        int[] teacherRows = [.. Enumerable.Range(0, rows).Select(row => gathered ? (int)(row * Stride % rows) : row)];
        using DeviceBuffers buffers = new(kernels.Accelerator);
        Launch[] launches = new Launch[device.Sets(bytes)];
        ArrayView<T> gradient = default;
        for (int i = 0; i < launches.Length; i++)
        {
            gradient = buffers.Allocate<T>(length);
            launches[i] = buffers.Own(DistillationLoss.Bind(
                kernels,
                new DistillationInputs<T>
                {
                    Student = new Matrix<T>(buffers.Allocate(length, values), rows, columns),
                    Teacher = new Matrix<T>(buffers.Allocate(length, values[(columns / 2)..]), rows, columns),
                    TeacherRows = gathered ? buffers.Allocate(rows, teacherRows) : default,
                    Labels = buffers.Allocate(rows, labels),
                },
                new DistillationOutputs<T> { Gradient = new Matrix<T>(gradient, rows, columns), Totals = buffers.Allocate<LossTotals>(1) }));
        }

        launches[^1].Run(device.Stream);
        device.Stream.Synchronize();
        Check(gradient, values, rows, columns, labels, teacherRows, type);
        Measured measured = device.MeasureInTurns(launches);
        return timing.With(measured) with
        {
            Variant = $"{launches[0].Variant}",
            MegabytesInTurns = buffers.Bytes / 1e6,
            ShareOfCopyBandwidth = device.ShareOfCopy(bytes, measured),
            RowsIncludedShare = device.ShareOfCopy(LossTraffic.BytesWithRows(rows, columns, size, gathered), measured),
            UncachedShare = device.ShareOfCopy(LossTraffic.BytesWithoutCache(rows, columns, size), measured),
        };
    }

    private static void Check<T>(
        ArrayView<T> gradient, T[] values, int rows, int columns, int[] labels, int[] teacherRows, ElementType<T> type)
        where T : unmanaged
    {
        // Rows from the start, where the student's are the values as they stand; the teacher's buffer repeats them from half a row on.
        int count = Math.Min(Math.Min(CheckedRows, rows), (values.Length / columns) - 1);
        long repeated = values.Length - (columns / 2);
        float[] student = [.. values.Take(count * columns).Select(type.Widen)];
        float[] teacher = new float[count * columns];
        for (int i = 0; i < teacher.Length; i++)
            teacher[i] = type.Widen(values[(columns / 2) + ((((long)teacherRows[i / columns] * columns) + (i % columns)) % repeated)]);
        DistillationOptions options = new() { Normalizer = rows };
        DistillationLoss.Reference.Batch expected =
            new DistillationLoss.Reference(options, columns).Run(student, teacher, labels[..count]);
        T[] actual = gradient.SubView(0, (long)count * columns).GetAsArray();
        for (int row = 0; row < count; row++)
        {
            double largest = expected.Gradient.Skip(row * columns).Take(columns).Max(Math.Abs);
            for (int i = row * columns; i < (row + 1) * columns; i++)
            {
                double allowed = (CheckedError * largest) + (type.Unit * Math.Abs(expected.Gradient[i]));
                double found = type.Widen(actual[i]);
                if (!(Math.Abs(found - expected.Gradient[i]) <= allowed)) // true for NaN
                    throw new InvalidOperationException($"gradient {i} is {found:G9}, not {expected.Gradient[i]:G9}; allowed {allowed:G3}");
            }
        }
    }

    // Peaky logits for as many whole rows as 16 Mi values hold, and a row more; buffers repeat them.
    private static float[] Values(int rows, int columns)
    {
        Random random = new(3);
        long wanted = Math.Min(rows, Math.Max(CheckedRows + 1, (16 << 20) / columns));
        float[] values = new float[(wanted * columns) + columns];
        for (int i = 0; i < values.Length; i++)
            values[i] = (((2 * random.NextSingle()) - 1) * 4) + (random.Next(columns) == 0 ? 8 : 0);
        return values;
    }
}
