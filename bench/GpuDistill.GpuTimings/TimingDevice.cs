using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.GpuTimings;

/// <summary>
/// The first CUDA device, and what its own copy reaches. Or, dry, that or the processor with work so small that only this program is tried, and
/// nothing measured.
/// </summary>
internal sealed class TimingDevice : IDisposable
{
    private readonly Context _context;
    private readonly Accelerator _accelerator;
    private readonly Dictionary<MatrixPrecision, KernelContext> _kernels = [];
    private readonly Lazy<KernelContext?> _withoutWarpGroups;

    private TimingDevice(Context context, Accelerator accelerator, bool isDry)
    {
        _context = context;
        _accelerator = accelerator;
        IsDry = isDry;
        _withoutWarpGroups = new(() => Kernels(MatrixPrecision.BFloat16).HasWarpGroups
            ? new KernelContext(accelerator, precision: MatrixPrecision.BFloat16) { AvoidsWarpGroups = true }
            : null);
        CopyBandwidth = RoundClock.CopyBandwidth(accelerator, isDry ? 1 << 20 : 1 << 30, Rounds);
    }

    public bool IsDry { get; }

    /// <summary>The rounds of a timing.</summary>
    public int Rounds => IsDry ? 3 : RoundClock.Rounds;

    public string Name => _accelerator.Name;

    /// <summary>Bytes read and written per second.</summary>
    public double CopyBandwidth { get; }

    public AcceleratorStream Stream => _accelerator.DefaultStream;

    /// <summary>The precisions of products that the device has, on tensor cores the fastest first.</summary>
    public IReadOnlyList<MatrixPrecision> Precisions => Kernels(MatrixPrecision.Exact).HasTensorCores
        ? [MatrixPrecision.BFloat16, MatrixPrecision.Tf32, MatrixPrecision.Exact]
        : [MatrixPrecision.BFloat16, MatrixPrecision.Exact];

    /// <summary>Products in bf16 on a device that has warpgroups as on one that has none; null where there are none.</summary>
    public KernelContext? WithoutWarpGroups => _withoutWarpGroups.Value;

    /// <summary>The selector that <see cref="DistillDevice.Open(string, KernelVariant, int, MatrixPrecision)"/> has for it.</summary>
    public string Selector => IsCuda ? "cuda" : "cpu";

    public bool IsCuda => _accelerator.AcceleratorType == AcceleratorType.Cuda;

    /// <param name="dryRun">"cpu" or "cuda" for small work there.</param>
    /// <returns>Null where there is no CUDA device and one is needed.</returns>
    public static TimingDevice? Open(string? dryRun = null)
    {
        bool isDry = dryRun is not null;
        AcceleratorType type = dryRun == "cpu" ? AcceleratorType.CPU : AcceleratorType.Cuda;
        Context context = Context.Create(builder => KernelContext.Prepare(builder, type).Cuda().CPU(new CPUDevice(2, 1, 1)).Profiling());
        if (type == AcceleratorType.CPU)
            return new TimingDevice(context, context.CreateCPUAccelerator(0), isDry);
        if (context.GetCudaDevices().Count > 0)
            return new TimingDevice(context, context.CreateCudaAccelerator(0), isDry);
        context.Dispose();
        return null;
    }

    public KernelContext Kernels(MatrixPrecision precision)
    {
        if (!_kernels.TryGetValue(precision, out KernelContext? kernels))
            _kernels.Add(precision, kernels = new KernelContext(_accelerator, precision: precision));
        return kernels;
    }

    /// <summary>What PyTorch calls a precision of products.</summary>
    public static string Dtype(MatrixPrecision precision) => precision switch
    {
        MatrixPrecision.BFloat16 => ElementTypes.BFloat16.Name,
        MatrixPrecision.Tf32 => "tf32",
        _ => ElementTypes.Single.Name,
    };

    /// <summary>What a product may be off, relative to itself, because both factors were rounded to a precision's type; those of bf16 numbers are exact.</summary>
    public static double ProductError(MatrixPrecision precision) => precision == MatrixPrecision.Tf32 ? 1.0 / 1000 : 0;

    /// <summary>How many sets of buffers of so many bytes to take in turns.</summary>
    public int Sets(double bytes) => IsDry ? 2 : DeviceBuffers.Sets(bytes);

    /// <summary>Whether a kernel's fault took the device from this process: by the driver's documents only another one has it again.</summary>
    public bool IsLost()
    {
        try
        {
            _accelerator.Synchronize();
            return false;
        }
        catch (AcceleratorException)
        {
            return true;
        }
    }

    /// <summary>Times the same launch over several sets of buffers, taken in turns.</summary>
    public Measured MeasureInTurns(Launch[] launches)
    {
        int next = 0;
        return new EventClock(Stream, Rounds).Measure(() => launches[next++ % launches.Length].Run(Stream));
    }

    public double ShareOfCopy(double bytes, Measured measured) => bytes / measured.Seconds / CopyBandwidth;

    public void Dispose()
    {
        if (IsLost())
            return; // with all that was on it; to free that would be refused
        foreach (KernelContext kernels in _kernels.Values)
            kernels.Dispose();
        if (_withoutWarpGroups.IsValueCreated)
            _withoutWarpGroups.Value?.Dispose();
        _accelerator.Dispose();
        _context.Dispose();
    }
}
