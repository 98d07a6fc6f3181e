namespace GpuDistill.Kernels;

// The product alone: see GemmLaunch.
public static partial class MatrixProduct
{
    private static Launch BindCpu(KernelContext context, GemmArguments arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new Cpu<Simd512>(arguments, variant, context.Workers) { Holds = arguments },
        KernelVariant.Simd256 => new Cpu<Simd256>(arguments, variant, context.Workers) { Holds = arguments },
        _ => new Cpu<Simd128>(arguments, variant, context.Workers) { Holds = arguments },
    };

    private sealed unsafe class Cpu<F>(GemmArguments a, KernelVariant variant, CpuWorkers workers)
        : GemmLaunch<F>(nameof(MatrixProduct), variant, workers, a)
        where F : struct, ISimd<F>;
}
