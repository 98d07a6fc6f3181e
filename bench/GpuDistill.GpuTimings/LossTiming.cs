using System.Runtime.CompilerServices;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.GpuTimings;

/// <summary>The distillation loss, forward and backward, on one shape: checked on some rows, then timed.</summary>
internal static class LossTiming
{
    // The largest L2 cache of the GPUs in question is 60 MB: inputs that are smaller are taken in turns.
    private const long BytesBeyondCaches = 512L << 20;
    private const int CheckedRows = 8;

    // Between the teacher rows of neighbouring rows, where they are gathered: an odd prime, so that each comes once.
    private const long Stride = 611_953;

    // Of the gradient's largest element in the row, beside one rounding to the type: far above rounding, far below a mistake.
    private const double CheckedError = 1e-4;

    public static Timing Of<T>(
        KernelContext kernels, LossWork work, string dtype, Func<float, T> round, Func<T, float> widen, double copyBandwidth)
        where T : unmanaged
    {
        (int rows, int columns, bool gathered) = work;
        long length = (long)rows * columns;
        double bytes = LossTraffic.Bytes(rows, columns, Unsafe.SizeOf<T>());
        int sets = (int)Math.Clamp(BytesBeyondCaches / (long)bytes, 1, 16);
        float[] values = Values(rows, columns);
        T[] rounded = [.. values.Select(round)];
        List<IDisposable> owned = [];
        Launch[] launches = new Launch[sets];
        ArrayView<T> gradient = default;
        int[] labels = [.. Enumerable.Range(0, rows).Select(row => row % columns)];
        int[] teacherRows = [.. Enumerable.Range(0, rows).Select(row => gathered ? (int)(row * Stride % rows) : row)];
        for (int i = 0; i < sets; i++)
        {
            gradient = Buffer<T>(kernels.Accelerator, length, owned, []);
            launches[i] = DistillationLoss.Bind(
                kernels,
                new DistillationInputs<T>
                {
                    Student = new Matrix<T>(Buffer<T>(kernels.Accelerator, length, owned, rounded), rows, columns),
                    Teacher = new Matrix<T>(Buffer<T>(kernels.Accelerator, length, owned, rounded.AsSpan(columns / 2)), rows, columns),
                    TeacherRows = gathered ? Buffer<int>(kernels.Accelerator, rows, owned, teacherRows) : default,
                    Labels = Buffer<int>(kernels.Accelerator, rows, owned, labels),
                },
                new DistillationOutputs<T>
                {
                    Gradient = new Matrix<T>(gradient, rows, columns),
                    Totals = Buffer<LossTotals>(kernels.Accelerator, 1, owned, []),
                });
        }

        AcceleratorStream stream = kernels.Accelerator.DefaultStream;
        launches[^1].Run(stream);
        stream.Synchronize();
        Check(gradient, rounded, rows, columns, labels, teacherRows, widen);
        int next = 0;
        double seconds = DeviceClock.Median(stream, () => launches[next++ % sets].Run(stream));
        Timing timing = new(
            $"distillation loss {work}", rows, columns, gathered, dtype, $"{launches[0].Variant}", seconds * 1e6, bytes / seconds / copyBandwidth)
        {
            RowsIncludedShare = LossTraffic.BytesWithRows(rows, columns, Unsafe.SizeOf<T>(), gathered) / seconds / copyBandwidth,
            UncachedShare = LossTraffic.BytesWithoutCache(rows, columns, Unsafe.SizeOf<T>()) / seconds / copyBandwidth,
        };
        foreach (IDisposable disposable in (IEnumerable<IDisposable>)[.. launches, .. owned])
            disposable.Dispose();
        return timing;
    }

    private static void Check<T>(
        ArrayView<T> gradient, T[] rounded, int rows, int columns, int[] labels, int[] teacherRows, Func<T, float> widen)
        where T : unmanaged
    {
        // Rows from the start, where the student's are the values as they stand; the teacher's buffer repeats them from half a row on.
        int count = Math.Min(Math.Min(CheckedRows, rows), (rounded.Length / columns) - 1);
        long repeated = rounded.Length - (columns / 2);
        float[] student = [.. rounded.Take(count * columns).Select(widen)];
        float[] teacher = new float[count * columns];
        for (int i = 0; i < teacher.Length; i++)
            teacher[i] = widen(rounded[(columns / 2) + (((long)teacherRows[i / columns] * columns) + (i % columns)) % repeated]);
        DistillationOptions options = new() { Normalizer = rows };
        DistillationLoss.Reference.Batch expected =
            new DistillationLoss.Reference(options, columns, null).Run(student, teacher, labels[..count], null);
        T[] actual = gradient.SubView(0, (long)count * columns).GetAsArray();
        double unit = typeof(T) == typeof(BFloat16) ? 1.0 / 256 : 0;
        for (int row = 0; row < count; row++)
        {
            double largest = expected.Gradient.Skip(row * columns).Take(columns).Max(Math.Abs);
            for (int i = row * columns; i < (row + 1) * columns; i++)
            {
                if (!(Math.Abs(widen(actual[i]) - expected.Gradient[i]) <= (CheckedError * largest) + (unit * Math.Abs(expected.Gradient[i]))))
                    throw new InvalidOperationException($"[{rows} x {columns}]: gradient {i} is {widen(actual[i])}, not {expected.Gradient[i]}.");
            }
        }
    }

    // Peaky logits for as many whole rows as 16 Mi values hold, and half a row more; buffers repeat them.
    private static float[] Values(int rows, int columns)
    {
        Random random = new(3);
        long wanted = Math.Min(rows, Math.Max(CheckedRows + 1, (16 << 20) / columns));
        float[] values = new float[(wanted * columns) + columns];
        for (int i = 0; i < values.Length; i++)
            values[i] = (((2 * random.NextSingle()) - 1) * 4) + (random.Next(columns) == 0 ? 8 : 0);
        return values;
    }

    private static ArrayView<T> Buffer<T>(Accelerator accelerator, long length, List<IDisposable> owned, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        MemoryBuffer1D<T, Stride1D.Dense> buffer = accelerator.Allocate1D<T>(length);
        owned.Add(buffer);
        buffer.MemSetToZero(accelerator.DefaultStream);
        T[] array = values.ToArray();
        for (long start = 0; start < length && array.Length > 0; start += array.Length)
        {
            long count = Math.Min(array.Length, length - start);
            buffer.View.SubView(start, count).CopyFromCPU(accelerator.DefaultStream, count == array.Length ? array : array[..(int)count]);
        }

        accelerator.DefaultStream.Synchronize();
        return buffer.View;
    }
}
