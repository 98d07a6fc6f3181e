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

    /// <summary>Set to anything, it keeps products from warpgroups, and the probe from being run.</summary>
    public const string AvoidVariable = "GPUDISTILL_AVOID_WARPGROUPS";

    // Far more than it takes, the driver's compiling included.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly ConditionalWeakTable<Device, Lazy<string?>> Found = [];

    /// <summary>Whether the device has warpgroups that pass.</summary>
    public static bool Passes(CudaAccelerator accelerator) => Refusal(accelerator) is null;

    /// <summary>Why products do without warpgroups, in words, or null where they have them.</summary>
    public static string? Refusal(CudaAccelerator accelerator)
    {
        if (accelerator.Architecture != WarpGroup.Architecture)
            return $"they are for {WarpGroup.Architecture} alone";
        if (!PtxCode.IsKnown)
            return "this version of ILGPU cannot be given their instructions";
        if (Environment.GetEnvironmentVariable(AvoidVariable) is { Length: > 0 })
            return $"{AvoidVariable} is set";
        return Found.GetValue(accelerator.Device, device => new(() => RefusalApart(device, accelerator.Context))).Value;
    }

    /// <summary>The same for the device of a context that takes them for good.</summary>
    internal static string? Refusal(KernelContext trusting)
    {
        BFloat16[] left = Values(Rows * Terms, 1);
        BFloat16[] right = Values(Terms * Columns, 2);
        foreach ((bool transposeLeft, bool transposeRight) in ((bool, bool)[])[(false, false), (false, true), (true, false), (true, true)])
        {
            if (FirstError(left, transposeLeft, right, transposeRight, Product(trusting, left, transposeLeft, right, transposeRight)) is { } error)
                return error;
        }

        return null;
    }

    /// <summary>Where a product of the probe's matrices is not right to the last bit, in words, or null.</summary>
    internal static string? FirstError(BFloat16[] left, bool transposeLeft, BFloat16[] right, bool transposeRight, BFloat16[] result)
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

                float found = (float)result[(row * Columns) + column];
                if (found != sum)
                    return $"a product (transposed: {transposeLeft}, {transposeRight}) is {found} and not {sum} at row {row}, column {column}";
            }
        }

        return null;
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

    private static string? RefusalApart(Device device, Context context)
    {
        string? refusal = null;
        Thread thread = new(() => refusal = Tries(device, context)) { IsBackground = true };
        thread.Start();
        return thread.Join(Patience) ? refusal : $"the probe did not end in {Patience.TotalSeconds:F0} s";
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps the probe from passing keeps the products from warpgroups, and nothing else.")]
    private static string? Tries(Device device, Context context)
    {
        try
        {
            using Accelerator own = device.CreateAccelerator(context);
            using KernelContext trusting = KernelContext.TrustingWarpGroups(own);
            return Refusal(trusting);
        }
        catch (Exception exception)
        {
            return $"{exception.GetType().Name}: {exception.Message}";
        }
    }
}
