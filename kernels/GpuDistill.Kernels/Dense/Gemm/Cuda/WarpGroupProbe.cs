using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>
/// Whether a device's warpgroups multiply as they have to: no GPU has run them yet, and what their descriptors mean is known from
/// documents alone. A product of whole numbers in every layout, over more than one tile each way and more steps than stages, must be
/// exact; else the products go on without warpgroups.
/// </summary>
/// <remarks>
/// It has a thread and an accelerator of its own, and so a CUDA context: if the device found a descriptor to be one that reaches beyond
/// the group's memory, that context would be lost. (By the driver's documents a fault may reach the process; by what is documented of
/// descriptors there is none.) It runs once for each device of an ILGPU context, and only when a product is bound that is large enough.
/// </remarks>
internal static class WarpGroupProbe
{
    internal const int Rows = WarpGroupTile.Rows + 8;
    internal const int Columns = WarpGroupTile.Columns + 8;
    internal const int Terms = ((WarpGroupTile.Stages + 1) * 64) + 8;

    private static readonly ConditionalWeakTable<Device, Lazy<bool>> Found = [];

    /// <summary>Whether the device has warpgroups that pass.</summary>
    public static bool Passes(CudaAccelerator accelerator) =>
        PtxCode.IsKnown && accelerator.Architecture == WarpGroup.Architecture
        && Found.GetValue(accelerator.Device, device => new(() => PassesApart(device, accelerator.Context))).Value;

    /// <summary>The same for the device of a context that takes them for good.</summary>
    internal static bool Passes(KernelContext trusting)
    {
        BFloat16[] left = Values(Rows * Terms, 1);
        BFloat16[] right = Values(Terms * Columns, 2);
        foreach ((bool transposeLeft, bool transposeRight) in ((bool, bool)[])[(false, false), (false, true), (true, false), (true, true)])
        {
            if (!IsExact(left, transposeLeft, right, transposeRight, Product(trusting, left, transposeLeft, right, transposeRight)))
                return false;
        }

        return true;
    }

    /// <summary>Whether a product of the probe's matrices is right to the last bit.</summary>
    internal static bool IsExact(BFloat16[] left, bool transposeLeft, BFloat16[] right, bool transposeRight, BFloat16[] result)
    {
        for (int row = 0; row < Rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                int sum = 0;
                for (int p = 0; p < Terms; p++)
                {
                    sum += (int)(float)left[transposeLeft ? (p * Rows) + row : (row * Terms) + p]
                        * (int)(float)right[transposeRight ? (column * Terms) + p : (p * Columns) + column];
                }

                if ((float)result[(row * Columns) + column] != sum)
                    return false;
            }
        }

        return true;
    }

    /// <summary>-1, 0 and 1 in no order: sums stay below 2^8, up to which whole numbers are exact in bf16.</summary>
    internal static BFloat16[] Values(int count, int seed) =>
        [.. Enumerable.Range(0, count).Select(i => (BFloat16)(float)((int)(((uint)(i + 1) * 2654435761u * (uint)seed) >> 20) % 3 - 1))];

    internal static BFloat16[] Product(KernelContext kernels, BFloat16[] left, bool transposeLeft, BFloat16[] right, bool transposeRight)
    {
        using MemoryBuffer1D<BFloat16, Stride1D.Dense> a = kernels.Accelerator.Allocate1D(left);
        using MemoryBuffer1D<BFloat16, Stride1D.Dense> b = kernels.Accelerator.Allocate1D(right);
        using MemoryBuffer1D<BFloat16, Stride1D.Dense> c = kernels.Accelerator.Allocate1D<BFloat16>(Rows * Columns);
        using Launch launch = MatrixProduct.Bind(
            kernels,
            transposeLeft ? new(a.View, Terms, Rows) : new(a.View, Rows, Terms),
            transposeRight ? new(b.View, Columns, Terms) : new(b.View, Terms, Columns),
            new Matrix<BFloat16>(c.View, Rows, Columns),
            transposeLeft,
            transposeRight,
            KernelVariant.Cuda);
        launch.Run(kernels.Accelerator.DefaultStream);
        return c.GetAsArray1D();
    }

    private static bool PassesApart(Device device, Context context)
    {
        bool passes = false;
        Thread thread = new(() => passes = Tries(device, context));
        thread.Start();
        thread.Join();
        return passes;
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps the probe from passing keeps the products from warpgroups, and nothing else.")]
    private static bool Tries(Device device, Context context)
    {
        try
        {
            using Accelerator own = device.CreateAccelerator(context);
            using KernelContext trusting = KernelContext.TrustingWarpGroups(own);
            return Passes(trusting);
        }
        catch (Exception)
        {
            return false;
        }
    }
}
