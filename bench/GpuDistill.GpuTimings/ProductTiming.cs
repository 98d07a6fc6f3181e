using System.Runtime.CompilerServices;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.GpuTimings;

/// <summary>A matrix product in one layout and type: some elements checked in double precision, then timed.</summary>
internal static class ProductTiming
{
    private static readonly (int Rows, int Columns, int Terms)[] Shapes = [(4096, 4096, 4096), (8192, 1200, 1200), (128, 800, 784)];

    // The layouts of a dense layer's three products, each of the same three numbers.
    private static readonly Layout[] Layouts = [new("x W", false, false), new("g W^T", false, true), new("x^T g", true, false)];

    /// <summary>All shapes in all layouts and types, the fastest type first.</summary>
    public static IEnumerable<Work> All(TimingDevice device) => device.Precisions.SelectMany(precision => Of(device, precision));

    private static IEnumerable<Work> Of(TimingDevice device, MatrixPrecision precision)
    {
        KernelContext kernels = device.Kernels(precision);
        if (precision != MatrixPrecision.BFloat16)
            return Of(device, TypeOf(kernels, ElementTypes.Single));
        // Where warpgroups multiply, warps do too, for comparison.
        IEnumerable<Work> works = Of(device, TypeOf(kernels, ElementTypes.BFloat16));
        return device.WithoutWarpGroups is { } warps ? works.Concat(Of(device, TypeOf(warps, ElementTypes.BFloat16), ", by warps")) : works;
    }

    private static ProductType<T> TypeOf<T>(KernelContext kernels, ElementType<T> element)
        where T : unmanaged => new(
            kernels,
            TimingDevice.Dtype(kernels.Precision),
            element,
            TimingDevice.ProductError(kernels.Precision),
            (left, right, result, layout) =>
                MatrixProduct.Bind(kernels, left, right, result, layout.TransposeLeft, layout.TransposeRight));

    private static IEnumerable<Work> Of<T>(TimingDevice device, ProductType<T> type, string how = "")
        where T : unmanaged
    {
        int scale = device.IsDry ? 32 : 1;
        foreach ((int rows, int columns, int terms) in Shapes.Select(shape => (shape.Rows / scale, shape.Columns / scale, shape.Terms / scale)))
        {
            foreach (Layout layout in Layouts)
            {
                Timing blank = new("product", $"product {layout.Name} [{rows} x {terms}] [{terms} x {columns}]{how}", type.Dtype)
                {
                    Rows = rows,
                    Columns = columns,
                    Terms = terms,
                    TransposeLeft = layout.TransposeLeft,
                    TransposeRight = layout.TransposeRight,
                };
                yield return new Work(blank, timing => Measure(timing, device, rows, columns, terms, layout, type));
            }
        }
    }

    private static Timing Measure<T>(Timing timing, TimingDevice device, int rows, int columns, int terms, Layout layout, ProductType<T> type)
        where T : unmanaged
    {
        double bytes = Unsafe.SizeOf<T>() * (((double)rows * terms) + ((double)terms * columns) + ((double)rows * columns));
        T[] left = [.. SampledCheck.Values(rows * terms, 1).Select(type.Element.Round)];
        T[] right = [.. SampledCheck.Values(terms * columns, 2).Select(type.Element.Round)];
        using DeviceBuffers buffers = new(device.Stream.Accelerator);
        Launch[] launches = new Launch[device.Sets(bytes)];
        Matrix<T> result = default;
        for (int i = 0; i < launches.Length; i++)
        {
            ArrayView<T> a = buffers.Allocate(left.Length, left);
            ArrayView<T> b = buffers.Allocate(right.Length, right);
            result = new Matrix<T>(buffers.Allocate<T>((long)rows * columns), rows, columns);
            launches[i] = buffers.Own(type.Bind(
                layout.TransposeLeft ? new Matrix<T>(a, terms, rows) : new Matrix<T>(a, rows, terms),
                layout.TransposeRight ? new Matrix<T>(b, columns, terms) : new Matrix<T>(b, terms, columns),
                result,
                layout));
        }

        launches[^1].Run(device.Stream);
        device.Stream.Synchronize();
        T[] actual = result.Data.GetAsArray();
        SampledCheck.Of(
            rows,
            columns,
            terms,
            type.ProductError,
            type.Element.Unit,
            (row, column, p) => (double)type.Element.Widen(left[layout.TransposeLeft ? (p * rows) + row : (row * terms) + p])
                * type.Element.Widen(right[layout.TransposeRight ? (column * terms) + p : (p * columns) + column]),
            (_, _, sum) => sum,
            (row, column) => type.Element.Widen(actual[(row * columns) + column]));
        Measured measured = device.MeasureInTurns(launches);
        return timing.With(measured) with
        {
            Variant = $"{launches[0].Variant}",
            Tile = launches[0].Variant == KernelVariant.Cuda ? $"{CudaGemmLaunch.PlanOf(type.Kernels, typeof(T) == typeof(BFloat16), rows, columns, terms).Kind}" : null,
            MegabytesInTurns = buffers.Bytes / 1e6,
            ShareOfCopyBandwidth = device.ShareOfCopy(bytes, measured),
            TeraFlops = 2.0 * rows * columns * terms / measured.Seconds / 1e12,
        };
    }

    private sealed record Layout(string Name, bool TransposeLeft, bool TransposeRight);

    /// <summary>A type of products: where, what PyTorch calls it, that of the elements in memory, the error of a product, and how one is bound.</summary>
    private sealed record ProductType<T>(
        KernelContext Kernels, string Dtype, ElementType<T> Element, double ProductError, Func<Matrix<T>, Matrix<T>, Matrix<T>, Layout, Launch> Bind)
        where T : unmanaged;
}
