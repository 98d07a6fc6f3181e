using GpuDistill.Kernels;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.MachineCode.Tests;

/// <summary>The PTX of every kernel, compiled once per run.</summary>
internal static class KernelCode
{
    private static readonly Dictionary<CudaArchitecture, PtxSource> Sources = [];
    private static readonly Dictionary<(string, CudaArchitecture), string> Compiled = [];

    // ILGPU compiles one kernel at a time.
    private static readonly Lock Compiler = new();

    /// <summary>Those that are looked at and that the kernel is offered on.</summary>
    public static IEnumerable<CudaArchitecture> Architectures(string kernel) =>
        PtxSource.Architectures.Where(KernelCatalog.All.Single(entry => entry.Name == kernel).RunsOn);

    public static string Ptx(string kernel, CudaArchitecture architecture)
    {
        lock (Compiler)
        {
            if (Compiled.TryGetValue((kernel, architecture), out string? ptx))
                return ptx;
            if (!Sources.TryGetValue(architecture, out PtxSource? source))
                Sources[architecture] = source = new PtxSource(architecture);
            ptx = source.Compile(KernelCatalog.All.Single(entry => entry.Name == kernel));
            Compiled[(kernel, architecture)] = ptx;
            return ptx;
        }
    }
}
