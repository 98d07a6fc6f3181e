namespace GpuDistill.Kernels;

// The product alone: see GemmLaunch.
public static partial class MatrixProduct
{
    private static Launch BindCpu(KernelContext context, Arguments<float> arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new Cpu<Simd512>(arguments, variant, context.Workers),
        KernelVariant.Simd256 => new Cpu<Simd256>(arguments, variant, context.Workers),
        _ => new Cpu<Simd128>(arguments, variant, context.Workers),
    };

    private sealed unsafe class Cpu<F>(Arguments<float> a, KernelVariant variant, CpuWorkers workers)
        : GemmLaunch<F>(nameof(MatrixProduct), variant, workers, a.Product, a.Result)
        where F : struct, ISimd<F>;
}
