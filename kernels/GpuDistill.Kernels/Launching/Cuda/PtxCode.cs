using System.Reflection;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>
/// CUDA code as it should be: the only place for CUDA that reaches into ILGPU's internals, for what version 1.5.3 lacks.
/// </summary>
/// <remarks>
/// Code is generated at optimization level O2, since O1 reads memory through generic addresses. But O2 takes branches for uniform
/// that are not (after atomics, shuffles, intrinsics) and marks them <c>bra.uni</c>; ptxas believes it and drops the
/// re-convergence before a shuffle. A plain <c>bra</c> is always right, and ptxas finds truly uniform branches by itself. And
/// the target architecture stays at sm_80 on whatever is newer, which hides its instructions. Powers of two below 2^-126 are 0
/// (<c>ftz</c>), and so are the arguments of a logarithm: the other forms take four instructions for each, and no kernel tells such
/// numbers from 0. A reciprocal is one instruction, within a unit of the last place, of numbers that no kernel has outside 2^-126 to
/// 2^126; rounded to nearest it is nine and a branch, as a division still is but in kernels made for CUDA. A fence orders a thread's own
/// accesses for others (<c>acq_rel</c>); ILGPU's also puts all fences in one order, and empties the first-level cache for that. Products of
/// warpgroups are instructions of sm_90a, a target that names this one architecture and no later one. Any other
/// version of ILGPU is used as it comes, at its own O1: correct, and slower.
/// </remarks>
internal static class PtxCode
{
    /// <summary>The version that all this was found out about; a test fails when the package is another one.</summary>
    public const string KnownVersion = "1.5.3";

    /// <summary>Whether the package is the known version.</summary>
    public static bool IsKnown { get; } = typeof(Context).Assembly.GetName().Version?.ToString(3) == KnownVersion;

    private static readonly ConditionalWeakTable<CudaAccelerator, PTXBackend> Backends = [];

    /// <summary>The optimization level that a context for CUDA should have.</summary>
    public static OptimizationLevel Level => IsKnown ? OptimizationLevel.O2 : OptimizationLevel.O1;

    /// <summary>Compiles for a backend's architecture.</summary>
    public static PTXCompiledKernel Compile(PTXBackend backend, MethodInfo kernel)
    {
        if (IsKnown && backend.Architecture > CudaArchitecture.SM_80)
            SetTarget(backend.Capabilities, backend.Architecture);
        KernelEntryAttribute mark = kernel.GetCustomAttribute<KernelEntryAttribute>()!;
        ILaunchBounds? bounds = ILaunchBounds.Of(kernel);
        int groups = bounds?.GroupsPerMultiprocessor ?? mark.GroupsPerMultiprocessor;
        var compiled = (PTXCompiledKernel)backend.Compile(
            EntryPointDescription.FromExplicitlyGroupedKernel(kernel),
            new KernelSpecialization(bounds?.GroupSize ?? mark.GroupSize, groups > 0 ? groups : null));
        if (IsKnown)
        {
            Assembly(compiled) = compiled.PTXAssembly
                .Replace("bra.uni", "bra", StringComparison.Ordinal)
                .Replace("ex2.approx.f32", "ex2.approx.ftz.f32", StringComparison.Ordinal)
                .Replace("lg2.approx.f32", "lg2.approx.ftz.f32", StringComparison.Ordinal)
                .Replace("rcp.rn.f32", "rcp.approx.ftz.f32", StringComparison.Ordinal);
            if (backend.Architecture >= CudaArchitecture.SM_70)
                Assembly(compiled) = compiled.PTXAssembly.Replace("membar.gl", "fence.acq_rel.gpu", StringComparison.Ordinal);
            if (mark.NeedsWarpGroups)
                Assembly(compiled) = compiled.PTXAssembly.Replace(".target sm_90", ".target sm_90a", StringComparison.Ordinal);
            if (mark.Variant == KernelVariant.Cuda)
                Assembly(compiled) = compiled.PTXAssembly.Replace("div.rn.f32", "div.approx.ftz.f32", StringComparison.Ordinal);
        }

        return compiled;
    }

    /// <summary>Loads a kernel on a CUDA device, to be launched with at most that much dynamic shared memory.</summary>
    public static Action<AcceleratorStream, KernelConfig, TArguments> Load<TArguments>(
        CudaAccelerator accelerator, Action<TArguments> kernel, int sharedBytes)
        where TArguments : struct
    {
        accelerator.Bind();
        Kernel loaded = accelerator.LoadKernel(Compile(Backends.GetValue(accelerator, BackendOf), kernel.Method));
        CudaSharedMemory.Allow((CudaKernel)loaded, sharedBytes);
        return loaded.CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, TArguments>>();
    }

    // One like the accelerator's own, which was made before the instructions were known if the context was not prepared for them.
    private static PTXBackend BackendOf(CudaAccelerator accelerator)
    {
        PtxIntrinsics.Register(accelerator.Context);
        PTXBackend own = accelerator.Backend;
        return new PTXBackend(accelerator.Context, accelerator.Capabilities, own.Architecture, own.InstructionSet, own.NvvmAPI);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_TargetArchitecture")]
    private static extern void SetTarget(CudaCapabilityContext capabilities, CudaArchitecture architecture);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<PTXAssembly>k__BackingField")]
    private static extern ref string Assembly(PTXCompiledKernel kernel);
}
