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

    // Of the gradient's largest element in the row, beside one rounding to the type: far above rounding, far below a mistake.
    private const double CheckedError = 1e-4;

    public static Timing Of<T>(
        KernelContext kernels, int rows, int columns, string dtype, Func<float, T> round, Func<T, float> widen, double copyBandwidth)
        where T : unmanaged
    {
        long length = (long)rows * columns;
        double bytes = 3.0 * length * Unsafe.SizeOf<T>();
        int sets = (int)Math.Clamp(BytesBeyondCaches / (long)bytes, 1, 16);
        float[] values = Values(rows, columns);
        T[] rounded = [.. values.Select(round)];
        List<IDisposable> owned = [];
        Launch[] launches = new Launch[sets];
        ArrayView<T> gradient = default;
        int[] labels = [.. Enumerable.Range(0, rows).Select(row => row % columns)];
        for (int i = 0; i < sets; i++)
        {
            gradient = Buffer<T>(kernels.Accelerator, length, owned, []);
            launches[i] = DistillationLoss.Bind(
                kernels,
                new DistillationInputs<T>
                {
                    Student = new Matrix<T>(Buffer<T>(kernels.Accelerator, length, owned, rounded), rows, columns),
                    Teacher = new Matrix<T>(Buffer<T>(kernels.Accelerator, length, owned, rounded.AsSpan(columns / 2)), rows, columns),
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
        Check(gradient, rounded, rows, columns, labels, widen);
        int next = 0;
        double seconds = DeviceClock.Median(stream, () => launches[next++ % sets].Run(stream));
        Timing timing = new(
            $"distillation loss [{rows} x {columns}]", rows, columns, dtype, $"{launches[0].Variant}", seconds * 1e6, bytes / seconds / copyBandwidth);
        foreach (IDisposable disposable in (IEnumerable<IDisposable>)[.. launches, .. owned])
            disposable.Dispose();
        return timing;
    }

    private static void Check<T>(ArrayView<T> gradient, T[] rounded, int rows, int columns, int[] labels, Func<T, float> widen)
        where T : unmanaged
    {
        // Rows from the start, where student and teacher are the values as they stand and shifted by half a row.
        int count = Math.Min(Math.Min(CheckedRows, rows), (rounded.Length / columns) - 1);
        float[] student = [.. rounded.Take(count * columns).Select(widen)];
        float[] teacher = [.. rounded.Skip(columns / 2).Take(count * columns).Select(widen)];
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
