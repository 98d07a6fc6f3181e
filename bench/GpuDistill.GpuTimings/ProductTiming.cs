using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.GpuTimings;

/// <summary>A matrix product in one layout and precision: some elements checked in double precision, then timed.</summary>
internal static class ProductTiming
{
    private const long BytesBeyondCaches = 512L << 20;
    private const int CheckedElements = 64;

    /// <summary>The layouts of a dense layer's three products, each of the same three numbers.</summary>
    public static IReadOnlyList<(string Name, bool TransposeLeft, bool TransposeRight)> Layouts { get; } =
        [("x W", false, false), ("g W^T", false, true), ("x^T g", true, false)];

    public static Timing Of(
        KernelContext kernels, int rows, int columns, int terms, (string Name, bool TransposeLeft, bool TransposeRight) layout, double copyBandwidth)
    {
        long elements = ((long)rows * terms) + ((long)terms * columns) + ((long)rows * columns);
        double bytes = sizeof(float) * (double)elements;
        int sets = (int)Math.Clamp(BytesBeyondCaches / (long)bytes, 1, 16);
        float[] left = Values(rows, terms, 1);
        float[] right = Values(terms, columns, 2);
        List<IDisposable> owned = [];
        Launch[] launches = new Launch[sets];
        ArrayView<float> result = default;
        for (int i = 0; i < sets; i++)
        {
            ArrayView<float> a = Buffer(left);
            ArrayView<float> b = Buffer(right);
            result = Buffer(new float[(long)rows * columns]);
            launches[i] = MatrixProduct.Bind(
                kernels,
                layout.TransposeLeft ? new Matrix<float>(a, terms, rows) : new Matrix<float>(a, rows, terms),
                layout.TransposeRight ? new Matrix<float>(b, columns, terms) : new Matrix<float>(b, terms, columns),
                new Matrix<float>(result, rows, columns),
                layout.TransposeLeft,
                layout.TransposeRight);
        }

        AcceleratorStream stream = kernels.Accelerator.DefaultStream;
        launches[^1].Run(stream);
        stream.Synchronize();
        Check(result.GetAsArray(), left, right, rows, columns, terms, layout, kernels.Precision);
        int next = 0;
        double seconds = DeviceClock.Median(stream, () => launches[next++ % sets].Run(stream));
        string precision = kernels.Precision == MatrixPrecision.Tf32 ? "tf32" : "float32";
        Timing timing = new(
            $"product {layout.Name} [{rows} x {terms}] [{terms} x {columns}]", rows, columns, false, precision, $"{launches[0].Variant}", seconds * 1e6, bytes / seconds / copyBandwidth)
        {
            Terms = terms,
            TransposeLeft = layout.TransposeLeft,
            TransposeRight = layout.TransposeRight,
            TeraFlops = 2.0 * rows * columns * terms / seconds / 1e12,
        };
        foreach (IDisposable disposable in (IEnumerable<IDisposable>)[.. launches, .. owned])
            disposable.Dispose();
        return timing;

        ArrayView<float> Buffer(float[] values)
        {
            MemoryBuffer1D<float, Stride1D.Dense> buffer = kernels.Accelerator.Allocate1D(values);
            owned.Add(buffer);
            return buffer.View;
        }
    }

    private static void Check(
        float[] result, float[] left, float[] right, int rows, int columns, int terms, (string Name, bool TransposeLeft, bool TransposeRight) layout, MatrixPrecision precision)
    {
        Random random = new(5);
        for (int i = 0; i < CheckedElements; i++)
        {
            // The corners first, where tiles end.
            int row = i < 4 ? (i / 2 * (rows - 1)) : random.Next(rows);
            int column = i < 4 ? (i % 2 * (columns - 1)) : random.Next(columns);
            double sum = 0;
            double magnitude = 0;
            for (int p = 0; p < terms; p++)
            {
                double a = left[layout.TransposeLeft ? ((long)p * rows) + row : ((long)row * terms) + p];
                double b = right[layout.TransposeRight ? ((long)column * terms) + p : ((long)p * columns) + column];
                sum += a * b;
                magnitude += Math.Abs(a * b);
            }

            double allowed = magnitude * ((terms / (double)(1 << 23)) + (precision == MatrixPrecision.Tf32 ? 1.0 / 1000 : 0));
            double actual = result[((long)row * columns) + column];
            if (!(Math.Abs(actual - sum) <= allowed))
                throw new InvalidOperationException($"{layout.Name} [{rows} x {columns}], ({row}, {column}): {actual}, not {sum}.");
        }
    }

    private static float[] Values(int rows, int columns, int seed)
    {
        Random random = new(seed);
        float[] values = new float[(long)rows * columns];
        for (long i = 0; i < values.LongLength; i++)
            values[i] = (2 * random.NextSingle()) - 1;
        return values;
    }
}
