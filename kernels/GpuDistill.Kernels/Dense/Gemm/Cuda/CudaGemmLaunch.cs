namespace GpuDistill.Kernels;

/// <summary>What the CUDA variants of the dense operations share on the host.</summary>
internal static class CudaGemmLaunch
{
    /// <summary>So that one group multiplies while another waits for copies or stores its tile: 128 registers a thread.</summary>
    public const int GroupsPerMultiprocessor = 2;

    /// <summary>Whether the device runs them.</summary>
    public static bool Runs(KernelContext context) => context.HasTensorCores;

    /// <summary>Binds the kernel that <typeparamref name="TKernels"/> has for the product's tile and the context's precision.</summary>
    public static Launch Bind<TArguments, TKernels>(KernelContext context, string operation, GemmArguments product, TArguments arguments)
        where TArguments : struct
        where TKernels : struct, ICudaKernels<TArguments>
    {
        CudaGemmPlan plan = CudaGemmPlan.Of(
            product.Rows, product.Columns, context.Accelerator.NumMultiprocessors, context.ForcedTile);
        bool exact = context.Precision == MatrixPrecision.Exact;
        Action<TArguments> kernel = plan.Kind switch
        {
            CudaTileKind.Large => exact ? TKernels.Of<LargeTile, TallExactSums>() : TKernels.Of<LargeTile, TallTf32Sums>(),
            CudaTileKind.Medium => exact ? TKernels.Of<MediumTile, ExactSums>() : TKernels.Of<MediumTile, Tf32Sums>(),
            _ => exact ? TKernels.Of<SmallTile, ExactSums>() : TKernels.Of<SmallTile, Tf32Sums>(),
        };
        return context.Portable(operation, kernel, plan.Groups, plan.GroupSize, arguments, variant: KernelVariant.Cuda);
    }

    /// <summary>For the catalog: the kernels of an operation, one per tile and precision.</summary>
    public static IEnumerable<Type[]> Instances() =>
    [
        [typeof(LargeTile), typeof(TallTf32Sums)],
        [typeof(MediumTile), typeof(Tf32Sums)],
        [typeof(SmallTile), typeof(Tf32Sums)],
        [typeof(LargeTile), typeof(TallExactSums)],
        [typeof(MediumTile), typeof(ExactSums)],
        [typeof(SmallTile), typeof(ExactSums)],
    ];
}

/// <summary>An operation's kernels, one per tile and kind of sums.</summary>
internal interface ICudaKernels<TArguments>
    where TArguments : struct
{
    static abstract Action<TArguments> Of<TTile, TSums>()
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums>;
}
