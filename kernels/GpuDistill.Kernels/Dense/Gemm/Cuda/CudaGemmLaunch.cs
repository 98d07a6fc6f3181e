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
        bool isBFloat16 = typeof(T) == typeof(ushort);
        CudaGemmPlan plan = PlanOf(context, isBFloat16, product.Rows, product.Columns, product.Terms);
        if (plan.Kind == CudaTileKind.WarpGroup)
            return Bind<TArguments, WarpGroupTile>(context, operation, TKernels.OfWarpGroups, plan, arguments);
        if (isBFloat16)
            return BindTensor<TArguments, TKernels, BFloat16Math>(context, operation, plan, arguments);
        if (context.Precision == MatrixPrecision.Tf32)
            return BindTensor<TArguments, TKernels, Tf32Math>(context, operation, plan, arguments);
        return plan.Kind switch
        {
            CudaTileKind.Large => Bind<TArguments, TKernels, LargeTile, TallExactSums>(context, operation, plan, arguments),
            CudaTileKind.Medium => Bind<TArguments, TKernels, MediumTile, ExactSums>(context, operation, plan, arguments),
            _ => Bind<TArguments, TKernels, SmallTile, ExactSums>(context, operation, plan, arguments),
        };
    }

    /// <summary>The tile of a product. Whether a device's warpgroups do what they should is asked only where they suit the product.</summary>
    /// <exception cref="NotSupportedException">The context forces warpgroups, and the device or the product has none.</exception>
    public static CudaGemmPlan PlanOf(KernelContext context, bool isBFloat16, int rows, int columns, int terms)
    {
        (int multiprocessors, CudaTileKind? forced) = (context.Accelerator.NumMultiprocessors, context.ForcedTile);
        // With fewer terms than the stages hold, most of a group's memory, or of a step, would be empty.
        if (isBFloat16 && (forced is not null || terms >= WarpGroupTile.Stages * WarpGroupTile.StepTerms))
        {
            CudaGemmPlan plan = CudaGemmPlan.WarpGroups(rows, columns, multiprocessors, forced);
            if (plan.Kind == CudaTileKind.WarpGroup && context.HasWarpGroups)
                return plan;
        }

        if (forced == CudaTileKind.WarpGroup)
            throw new NotSupportedException("There are no products on warpgroups here; in bf16 there are, on compute capability 9.0.");
        return isBFloat16 || context.Precision == MatrixPrecision.Tf32
            ? CudaGemmPlan.Tensor(rows, columns, multiprocessors, forced)
            : CudaGemmPlan.Exact(rows, columns, multiprocessors, forced);
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

    /// <summary>For the catalog: the same of an operation's kernels on warpgroups, by element, storage and pairs of layouts.</summary>
    public static IEnumerable<Type[]> WarpGroupInstances(params (Type Left, Type Right)[] layouts) =>
        from pair in layouts
        where pair.Left.IsAssignableTo(typeof(IOperandLayout<ushort>))
        select (Type[])[typeof(ushort), typeof(BFloat16Storage), pair.Left, pair.Right];

    private static Launch BindTensor<TArguments, TKernels, TMath>(
        KernelContext context, string operation, CudaGemmPlan plan, TArguments arguments)
        where TArguments : struct
        where TKernels : struct, ICudaKernels<TArguments>
        where TMath : unmanaged, ITensorMath =>
        plan.Kind switch
        {
            CudaTileKind.Huge => Bind<TArguments, TKernels, HugeTile, SquareTensorSums<TMath>>(context, operation, plan, arguments),
            CudaTileKind.Large => Bind<TArguments, TKernels, LargeTile, TallTensorSums<TMath>>(context, operation, plan, arguments),
            CudaTileKind.Medium => Bind<TArguments, TKernels, MediumTile, TensorSums<TMath>>(context, operation, plan, arguments),
            _ => Bind<TArguments, TKernels, SmallTile, TensorSums<TMath>>(context, operation, plan, arguments),
        };

    private static Launch Bind<TArguments, TKernels, TTile, TSums>(
        KernelContext context, string operation, CudaGemmPlan plan, TArguments arguments)
        where TArguments : struct
        where TKernels : struct, ICudaKernels<TArguments>
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums> =>
        Bind<TArguments, TTile>(context, operation, TKernels.Of<TTile, TSums>(), plan, arguments);

    private static Launch Bind<TArguments, TTile>(
        KernelContext context, string operation, Action<TArguments> kernel, CudaGemmPlan plan, TArguments arguments)
        where TArguments : struct
        where TTile : unmanaged, ILaunchBounds =>
        context.BindKernel(
            operation,
            kernel,
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

/// <summary>An operation's kernels, one per tile and kind of sums, and the one on warpgroups, which is for bf16 alone.</summary>
internal interface ICudaKernels<TArguments>
    where TArguments : struct
{
    static abstract Action<TArguments> Of<TTile, TSums>()
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums>;

    static abstract Action<TArguments> OfWarpGroups { get; }
}
