using System.Collections.Concurrent;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using Xunit;

namespace GpuDistill.TestKit;

/// <summary>
/// The devices that tests run on. <c>cpu</c> has 2 lanes, which is what the library opens; <c>cpu-16</c> has 4 warps of 4
/// lanes, so that every barrier and reduction of a portable kernel is exercised without a GPU; <c>cpu-256</c> has the 8 warps of 32
/// lanes that the CUDA matrix product needs. <c>ptx</c> runs the same kernels' PTX, as a CUDA device is given it, instruction by instruction
/// (<see cref="PtxLoader"/>). <c>opencl-32</c> is the OpenCL device with sub-groups of 32 lanes that local memory emulates, so that what
/// kernels do with several sub-groups in a group is run on any device; <c>opencl-subgroups</c> is it with its own, even where the library
/// does without (on a processor). A GPU that is not there is a visible skip, or a failure when the environment variable GPUDISTILL_REQUIRE
/// names it (comma-separated).
/// </summary>
public static class TestDevices
{
    public const string RequireVariable = "GPUDISTILL_REQUIRE";

    /// <summary>The trait that names a theory row's device, so that <c>--filter-trait device=opencl</c> runs one device's tests.</summary>
    public const string DeviceTrait = "device";

    private const string SubGroups = "opencl-subgroups";
    private const string EmulatedSubGroups = "opencl-32";
    private const string Ptx = "ptx";

    private static readonly PtxLoader PtxMachine = new(CudaArchitecture.SM_90);

    private static readonly Lazy<Context> IlgpuContext = new(() => Context.Create(builder => KernelContext
        .Prepare(builder, AcceleratorType.CPU)
        .CPU(new CPUDevice(2, 1, 1))
        .CPU(new CPUDevice(4, 4, 1))
        .CPU(new CPUDevice(32, 8, 1))
        .OpenCL()));

    private static readonly Lazy<Context> CudaContext = new(() => Context.Create(
        builder => KernelContext.Prepare(builder, AcceleratorType.Cuda).Cuda()));

    private static readonly ConcurrentDictionary<string, Lazy<Accelerator?>> Accelerators = new();
    private static readonly ConcurrentDictionary<(string, KernelVariant, MatrixPrecision, CudaTileKind?), Lazy<KernelContext>> Contexts = new();

    /// <summary>Theory rows (device, variant) for every operation: all devices, all variants that a device could run.</summary>
    public static TheoryData<string, KernelVariant> Variants =>
    [
        On("cpu", KernelVariant.Simd512),
        On("cpu", KernelVariant.Simd256),
        On("cpu", KernelVariant.Simd128),
        On("cpu", KernelVariant.Portable),
        On("cpu-16", KernelVariant.Portable),
        On(Ptx, KernelVariant.Portable),
        On("cuda", KernelVariant.Portable),
        On("opencl", KernelVariant.Portable),
    ];

    /// <summary>The same with emulated sub-groups, for operations whose threads exchange values.</summary>
    public static TheoryData<string, KernelVariant> VariantsWithSubGroups =>
    [
        .. Variants,
        On(EmulatedSubGroups, KernelVariant.Portable),
    ];

    /// <summary>
    /// OpenCL with the device's own sub-groups, where it has them: for what PoCL 6 can run with them (docs/design.md says why that is not
    /// all).
    /// </summary>
    public static TheoryData<string, KernelVariant> SubGroupsAlone => [On(SubGroups, KernelVariant.Portable)];

    /// <summary>
    /// The same for an operation that has a CUDA variant: it runs on the other devices too, as far as their language goes, so that
    /// its arithmetic is tested without a GPU.
    /// </summary>
    public static TheoryData<string, KernelVariant> VariantsWithCuda =>
    [
        .. VariantsWithSubGroups,
        On("cpu", KernelVariant.Cuda),
        On("cpu-16", KernelVariant.Cuda),
        On(Ptx, KernelVariant.Cuda),
        On("cuda", KernelVariant.Cuda),
        On("opencl", KernelVariant.Cuda),
    ];

    /// <summary>What only CUDA has.</summary>
    public static TheoryData<string, KernelVariant> CudaAlone => [On("cuda", KernelVariant.Portable)];

    /// <summary>The same for the dense operations, whose CUDA variant needs warps of 32 lanes.</summary>
    public static TheoryData<string, KernelVariant> VariantsWithTensorCores =>
    [
        .. Variants,
        .. TensorCores.Select(row => On(row.Data, KernelVariant.Cuda)),
    ];

    /// <summary>The devices that run what needs tensor cores.</summary>
    public static TheoryData<string> TensorCores =>
    [
        new("cpu-256") { Traits = { [DeviceTrait] = ["cpu-256"] } },
        new(Ptx) { Traits = { [DeviceTrait] = [Ptx] } },
        new("cuda") { Traits = { [DeviceTrait] = ["cuda"] } },
    ];

    /// <summary>
    /// The context of a device with a forced variant. Skips the test where the device is missing, or fails it where it is
    /// required; the CPU is always required.
    /// </summary>
    /// <param name="device">One of the names above.</param>
    /// <param name="variant">The variant.</param>
    /// <param name="precision">The precision of matrix products.</param>
    public static KernelContext Get(string device, KernelVariant variant, MatrixPrecision precision = MatrixPrecision.Exact) =>
        Get(device, variant, precision, null);

    /// <summary>
    /// The same with every CUDA product in one kind of tile. Skips the test where that is warpgroups' and the GPU is not of their
    /// architecture; one that is and does not take them fails it.
    /// </summary>
    internal static KernelContext Get(string device, KernelVariant variant, MatrixPrecision precision, CudaTileKind? tile)
    {
        // The PTX machine needs buffers on the host alone, and an accelerator with as large warps and groups as it runs.
        Accelerator? accelerator = Accelerators.GetOrAdd(device == Ptx ? "cpu-256" : device, name => new(() => Open(name))).Value;
        if (accelerator is null)
        {
            string[] required = (Environment.GetEnvironmentVariable(RequireVariable) ?? "").Split(',', StringSplitOptions.TrimEntries);
            Assert.False(required.Contains(device), $"{RequireVariable} asks for {device}, and there is no such device.");
            Assert.Skip($"no {device} device on this machine");
        }

        if (tile == CudaTileKind.WarpGroup && accelerator is CudaAccelerator cuda && cuda.Architecture != WarpGroup.Architecture)
            Assert.Skip($"products of warpgroups are for compute capability 9.0 alone, and {cuda.Name} has {cuda.Architecture}");
        Lazy<KernelContext> probe = Contexts.GetOrAdd((device, KernelVariant.Auto, MatrixPrecision.Exact, null), _ => new(() => new KernelContext(accelerator)));
        bool emulates = variant == KernelVariant.Cuda && !probe.Value.Supports(variant);
        if (!emulates && !probe.Value.Supports(variant))
            Assert.Skip($"this processor has no {variant}");
        return Contexts.GetOrAdd((device, variant, precision, tile), _ => new(() => emulates
            ? KernelContext.EmulatingCuda(accelerator, precision, tile, loader: device == Ptx ? PtxMachine : null)
            : device == SubGroups ? KernelContext.WithSubGroups(accelerator, variant, OpenClSubGroups.Own)
            : device == EmulatedSubGroups ? KernelContext.WithSubGroups(accelerator, variant, OpenClSubGroups.Emulated)
            : new KernelContext(accelerator, variant, precision: precision) { ForcedTile = tile, Loader = device == Ptx ? PtxMachine : null })).Value;
    }

    private static TheoryDataRow<string, KernelVariant> On(string device, KernelVariant variant) =>
        new(device, variant) { Traits = { [DeviceTrait] = [device] } };

    private static Accelerator? Open(string name)
    {
        Context context = IlgpuContext.Value;
        return name switch
        {
            "cpu" => context.CreateCPUAccelerator(0),
            "cpu-16" => context.CreateCPUAccelerator(1),
            "cpu-256" => context.CreateCPUAccelerator(2),
            "cuda" => CudaContext.Value.GetCudaDevices().Count > 0 ? CudaContext.Value.CreateCudaAccelerator(0) : null,
            "opencl" or EmulatedSubGroups => context.GetCLDevices().Count > 0 ? context.CreateCLAccelerator(0) : null,
            SubGroups => context.GetCLDevices() is [{ } device, ..] && OpenClCode.HasSubGroups(device) ? context.CreateCLAccelerator(0) : null,
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such test device."),
        };
    }
}
