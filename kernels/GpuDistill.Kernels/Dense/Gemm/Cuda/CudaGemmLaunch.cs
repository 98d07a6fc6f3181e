namespace GpuDistill.Kernels;

/// <summary>What the CUDA variants of the dense operations share on the host.</summary>
internal static class CudaGemmLaunch
{
    /// <summary>Whether the device runs them.</summary>
    public static bool Runs(KernelContext context) => context.HasTensorCores;

    /// <summary>
    /// Binds the kernel that <typeparamref name="TKernels"/> has for the product's tile, the type of its elements and, for single
    /// precision, the context's choice.
    /// </summary>
    public static Launch Bind<T, TArguments, TKernels>(
        KernelContext context, string operation, GemmArguments<T> product, TArguments arguments)
        where T : unmanaged
        where TArguments : struct
        where TKernels : struct, ICudaKernels<TArguments>
    {
        if (typeof(T) == typeof(ushort))
            return BindTensor<T, TArguments, TKernels, BFloat16Math>(context, operation, product, arguments);
        if (context.Precision == MatrixPrecision.Tf32)
            return BindTensor<T, TArguments, TKernels, Tf32Math>(context, operation, product, arguments);
        CudaGemmPlan plan = CudaGemmPlan.Exact(product.Rows, product.Columns, context.Accelerator.NumMultiprocessors, context.ForcedTile);
        return plan.Kind switch
        {
            CudaTileKind.Large => Bind<TArguments, TKernels, LargeTile, TallExactSums>(context, operation, plan, arguments),
            CudaTileKind.Medium => Bind<TArguments, TKernels, MediumTile, ExactSums>(context, operation, plan, arguments),
            _ => Bind<TArguments, TKernels, SmallTile, ExactSums>(context, operation, plan, arguments),
        };
    }

    /// <summary>For the catalog: the kernels of an operation, by element, storage, tile, sums, and pairs of layouts of that element.</summary>
    public static IEnumerable<Type[]> Instances(params (Type Left, Type Right)[] layouts) =>
        from kernel in (Type[][])
        [
            .. TensorInstances(typeof(float), typeof(FloatStorage), typeof(Tf32Math)),
            .. TensorInstances(typeof(ushort), typeof(BFloat16Storage), typeof(BFloat16Math)),
            [typeof(float), typeof(FloatStorage), typeof(LargeTile), typeof(TallExactSums)],
            [typeof(float), typeof(FloatStorage), typeof(MediumTile), typeof(ExactSums)],
            [typeof(float), typeof(FloatStorage), typeof(SmallTile), typeof(ExactSums)],
        ]
        let layout = typeof(IOperandLayout<>).MakeGenericType(kernel[0])
        from pair in layouts
        where pair.Left.IsAssignableTo(layout)
        select (Type[])[.. kernel, pair.Left, pair.Right];

    private static Launch BindTensor<T, TArguments, TKernels, TMath>(
        KernelContext context, string operation, GemmArguments<T> product, TArguments arguments)
        where T : unmanaged
        where TArguments : struct
        where TKernels : struct, ICudaKernels<TArguments>
        where TMath : unmanaged, ITensorMath
    {
        CudaGemmPlan plan = CudaGemmPlan.Tensor(product.Rows, product.Columns, context.Accelerator.NumMultiprocessors, context.ForcedTile);
        return plan.Kind switch
        {
            CudaTileKind.Huge => Bind<TArguments, TKernels, HugeTile, SquareTensorSums<TMath>>(context, operation, plan, arguments),
            CudaTileKind.Large => Bind<TArguments, TKernels, LargeTile, TallTensorSums<TMath>>(context, operation, plan, arguments),
            CudaTileKind.Medium => Bind<TArguments, TKernels, MediumTile, TensorSums<TMath>>(context, operation, plan, arguments),
            _ => Bind<TArguments, TKernels, SmallTile, TensorSums<TMath>>(context, operation, plan, arguments),
        };
    }

    private static Launch Bind<TArguments, TKernels, TTile, TSums>(
        KernelContext context, string operation, CudaGemmPlan plan, TArguments arguments)
        where TArguments : struct
        where TKernels : struct, ICudaKernels<TArguments>
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums> =>
        context.BindKernel(
            operation,
            TKernels.Of<TTile, TSums>(),
            plan.Groups,
            default(TTile).GroupSize,
            arguments,
            default(TTile).SharedBytes,
            KernelVariant.Cuda);

    private static IEnumerable<Type[]> TensorInstances(Type element, Type storage, Type math) =>
    [
        [element, storage, typeof(HugeTile), typeof(SquareTensorSums<>).MakeGenericType(math)],
        [element, storage, typeof(LargeTile), typeof(TallTensorSums<>).MakeGenericType(math)],
        [element, storage, typeof(MediumTile), typeof(TensorSums<>).MakeGenericType(math)],
        [element, storage, typeof(SmallTile), typeof(TensorSums<>).MakeGenericType(math)],
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
