namespace GpuDistill.Kernels;

// The product alone: see CudaGemm. One kernel per pair of layouts.
public static partial class MatrixProduct
{
    private static Launch BindCuda(KernelContext context, Arguments<float> a) => (a.Product.TransposeLeft != 0, a.Product.TransposeRight != 0) switch
    {
        (false, false) => Bind<float, FloatStorage, AlongFloats, AcrossFloats>(context, a),
        (false, true) => Bind<float, FloatStorage, AlongFloats, AlongFloats>(context, a),
        (true, false) => Bind<float, FloatStorage, AcrossFloats, AcrossFloats>(context, a),
        (true, true) => Bind<float, FloatStorage, AcrossFloats, AlongFloats>(context, a),
    };

    private static Launch BindCudaBFloat16(KernelContext context, Arguments<ushort> a) => (a.Product.TransposeLeft != 0, a.Product.TransposeRight != 0) switch
    {
        (false, false) => Bind<ushort, BFloat16Storage, AlongBFloat16, AcrossBFloat16>(context, a),
        (false, true) => Bind<ushort, BFloat16Storage, AlongBFloat16, AlongBFloat16>(context, a),
        (true, false) => Bind<ushort, BFloat16Storage, AcrossBFloat16, AcrossBFloat16>(context, a),
        (true, true) => Bind<ushort, BFloat16Storage, AcrossBFloat16, AlongBFloat16>(context, a),
    };

    private static Launch Bind<T, TStorage, TLeft, TRight>(KernelContext context, Arguments<T> a)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T> =>
        CudaGemmLaunch.Bind<T, Arguments<T>, CudaKernels<T, TStorage, TLeft, TRight>>(context, nameof(MatrixProduct), a.Product, a);

    [KernelEntry(Variant = KernelVariant.Cuda, NeedsTensorCores = true, Instances = nameof(CudaInstances))]
    internal static void CudaKernel<T, TStorage, TTile, TSums, TLeft, TRight>(Arguments<T> a)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T> =>
        CudaGemm.Run<T, TTile, TSums, TLeft, TRight, PlainFinish<T, TStorage>, NoColumnSums>(
            a.Product, new PlainFinish<T, TStorage> { Result = a.Result, Columns = a.Product.Columns }, default);

    [KernelEntry(Variant = KernelVariant.Cuda, NeedsWarpGroups = true, LaunchBounds = typeof(WarpGroupTile), Instances = nameof(WarpGroupInstances))]
    internal static void WarpGroupKernel<T, TStorage, TLeft, TRight>(Arguments<T> a)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T> =>
        WarpGroupGemm.Run<T, TLeft, TRight, PlainFinish<T, TStorage>, NoColumnSums>(
            a.Product, new PlainFinish<T, TStorage> { Result = a.Result, Columns = a.Product.Columns }, default);

    private static (Type Left, Type Right)[] CudaLayouts =>
    [
        (typeof(AlongFloats), typeof(AcrossFloats)),
        (typeof(AlongFloats), typeof(AlongFloats)),
        (typeof(AcrossFloats), typeof(AcrossFloats)),
        (typeof(AcrossFloats), typeof(AlongFloats)),
        (typeof(AlongBFloat16), typeof(AcrossBFloat16)),
        (typeof(AlongBFloat16), typeof(AlongBFloat16)),
        (typeof(AcrossBFloat16), typeof(AcrossBFloat16)),
        (typeof(AcrossBFloat16), typeof(AlongBFloat16)),
    ];

    private static IEnumerable<Type[]> CudaInstances() => CudaGemmLaunch.Instances(CudaLayouts);

    private static IEnumerable<Type[]> WarpGroupInstances() => CudaGemmLaunch.WarpGroupInstances(CudaLayouts);

    private readonly struct CudaKernels<T, TStorage, TLeft, TRight> : ICudaKernels<Arguments<T>>
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T>
    {
        public static Action<Arguments<T>> Of<TTile, TSums>()
            where TTile : unmanaged, ICudaTile
            where TSums : struct, IWarpSums<TSums> =>
            CudaKernel<T, TStorage, TTile, TSums, TLeft, TRight>;

        public static Action<Arguments<T>> OfWarpGroups => WarpGroupKernel<T, TStorage, TLeft, TRight>;
    }
}
