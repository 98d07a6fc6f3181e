namespace GpuDistill.Kernels;

// Product: see CudaGemm. Groups of the first row of tiles also sum the columns of the gradient, exactly, from the panels they multiply.
public static partial class DenseBackwardWeights
{
    private static Launch BindCuda<T, TLayout>(KernelContext context, Arguments<T> arguments)
        where T : unmanaged
        where TLayout : unmanaged, IOperandLayout<T> =>
        CudaGemmLaunch.Bind<T, Arguments<T>, CudaKernels<T, TLayout>>(context, nameof(DenseBackwardWeights), arguments.Product, arguments);

    [KernelEntry(Variant = KernelVariant.Cuda, NeedsTensorCores = true, Instances = nameof(CudaInstances))]
    internal static void CudaKernel<T, TTile, TSums, TLayout>(Arguments<T> a)
        where T : unmanaged
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums>
        where TLayout : unmanaged, IOperandLayout<T> =>
        CudaGemm.Run<T, TTile, TSums, TLayout, TLayout, PlainFinish<float, FloatStorage>, PanelColumnSums>(
            a.Product,
            new PlainFinish<float, FloatStorage> { Result = a.WeightGradients, Columns = a.Product.Columns },
            new PanelColumnSums { Target = a.BiasGradients });

    [KernelEntry(Variant = KernelVariant.Cuda, NeedsWarpGroups = true, LaunchBounds = typeof(WarpGroupTile), Instances = nameof(WarpGroupInstances))]
    internal static void WarpGroupKernel<T, TLayout>(Arguments<T> a)
        where T : unmanaged
        where TLayout : unmanaged, IOperandLayout<T> =>
        WarpGroupGemm.Run<T, TLayout, TLayout, PlainFinish<float, FloatStorage>, PanelColumnSums>(
            a.Product,
            new PlainFinish<float, FloatStorage> { Result = a.WeightGradients, Columns = a.Product.Columns },
            new PanelColumnSums { Target = a.BiasGradients });

    private static (Type Left, Type Right)[] CudaLayouts => [(typeof(AcrossFloats), typeof(AcrossFloats)), (typeof(AcrossBFloat16), typeof(AcrossBFloat16))];

    // The result is in single precision whatever the storage of the operands.
    private static IEnumerable<Type[]> CudaInstances() =>
        from kernel in CudaGemmLaunch.Instances(CudaLayouts)
        select (Type[])[kernel[0], kernel[2], kernel[3], kernel[4]];

    private static IEnumerable<Type[]> WarpGroupInstances() =>
        from kernel in CudaGemmLaunch.WarpGroupInstances(CudaLayouts)
        select (Type[])[kernel[0], kernel[2]];

    private readonly struct CudaKernels<T, TLayout> : ICudaKernels<Arguments<T>>
        where T : unmanaged
        where TLayout : unmanaged, IOperandLayout<T>
    {
        public static Action<Arguments<T>> Of<TTile, TSums>()
            where TTile : unmanaged, ICudaTile
            where TSums : struct, IWarpSums<TSums> =>
            CudaKernel<T, TTile, TSums, TLayout>;

        public static Action<Arguments<T>> OfWarpGroups => WarpGroupKernel<T, TLayout>;
    }
}
