using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.MachineCode;

/// <summary>
/// Compiles kernels to PTX for one architecture, as <see cref="KernelContext"/> does on such a device, without one. Each is compiled in a
/// context of its own: ILGPU's code depends a little on what it compiled before, and by that the assembler's registers.
/// </summary>
internal sealed class PtxSource(CudaArchitecture architecture)
{
    /// <summary>The architectures that are looked at: the oldest with a wide user base, Ampere, Hopper.</summary>
    public static IReadOnlyList<CudaArchitecture> Architectures { get; } =
        [CudaArchitecture.SM_75, CudaArchitecture.SM_80, CudaArchitecture.SM_90];

    public CudaArchitecture Architecture => architecture;

    public static string NameOf(CudaArchitecture architecture) => $"sm_{architecture.Major}{architecture.Minor}";

    public string Compile(KernelEntry kernel)
    {
        using Context context = Context.Create(builder => KernelContext.Prepare(builder, AcceleratorType.Cuda));
        PtxIntrinsics.Register(context);
        // The newest PTX that CUDA 12.4 assembles, and so any driver since.
        using PTXBackend backend = new(context, architecture, CudaInstructionSet.ISA_84, null!);
        return PtxCode.Compile(backend, kernel.Method).PTXAssembly;
    }
}
