using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.MachineCode.Tests;

/// <summary>
/// The PTX of every kernel, compiled once per run: in a context of its own, as <see cref="PtxSource"/> does, but in the same one for all
/// architectures, which share most of the work.
/// </summary>
internal static class KernelCode
{
    private static readonly Dictionary<string, Dictionary<CudaArchitecture, string>> Compiled = [];

    // ILGPU compiles one kernel at a time.
    private static readonly Lock Compiler = new();

    /// <summary>Those that are looked at and that the kernel is offered on.</summary>
    public static IEnumerable<CudaArchitecture> Architectures(string kernel) =>
        PtxSource.Architectures.Where(KernelCatalog.All.Single(entry => entry.Name == kernel).RunsOn);

    public static string Ptx(string kernel, CudaArchitecture architecture)
    {
        lock (Compiler)
        {
            if (!Compiled.TryGetValue(kernel, out Dictionary<CudaArchitecture, string>? ptx))
                Compiled[kernel] = ptx = Compile(KernelCatalog.All.Single(entry => entry.Name == kernel));
            return ptx[architecture];
        }
    }

    private static Dictionary<CudaArchitecture, string> Compile(KernelEntry kernel)
    {
        using Context context = Context.Create(builder => KernelContext.Prepare(builder, AcceleratorType.Cuda));
        PtxIntrinsics.Register(context);
        Dictionary<CudaArchitecture, string> ptx = [];
        foreach (CudaArchitecture architecture in PtxSource.Architectures.Where(kernel.RunsOn))
        {
            using PTXBackend backend = new(context, architecture, CudaInstructionSet.ISA_84, null!);
            ptx[architecture] = PtxCode.Compile(backend, kernel.Method).PTXAssembly;
        }

        return ptx;
    }
}
