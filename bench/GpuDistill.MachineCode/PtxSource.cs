using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.MachineCode;

/// <summary>Compiles kernels to PTX for one architecture, as <see cref="KernelContext"/> does on such a device, without one.</summary>
internal sealed class PtxSource : IDisposable
{
    private readonly Context _context;
    private readonly PTXBackend _backend;

    public PtxSource(CudaArchitecture architecture)
    {
        Architecture = architecture;
        _context = Context.Create(builder => KernelContext.Prepare(builder, AcceleratorType.Cuda));
        // The newest PTX that CUDA 12.4 assembles, and so any driver since.
        _backend = new PTXBackend(_context, architecture, CudaInstructionSet.ISA_84, null!);
    }

    /// <summary>The architectures that are looked at: the oldest with a wide user base, Ampere, Hopper.</summary>
    public static IReadOnlyList<CudaArchitecture> Architectures { get; } =
        [CudaArchitecture.SM_75, CudaArchitecture.SM_80, CudaArchitecture.SM_90];

    public CudaArchitecture Architecture { get; }

    public static string NameOf(CudaArchitecture architecture) => $"sm_{architecture.Major}{architecture.Minor}";

    public string Compile(KernelEntry kernel) => PtxCode.Compile(_backend, kernel.Method).PTXAssembly;

    public void Dispose()
    {
        _backend.Dispose();
        _context.Dispose();
    }
}
