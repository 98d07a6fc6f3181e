namespace GpuDistill.Kernels;

// Product: see CudaGemm. The backward passes of the producer are the portable kernel's code, applied to the sums in shared memory.
public static partial class DenseBackwardInput
{
    private static Launch BindCuda<T, TStorage, TLeft, TRight>(KernelContext context, Arguments<T> arguments)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T> =>
        CudaGemmLaunch.Bind<T, Arguments<T>, CudaKernels<T, TStorage, TLeft, TRight>>(context, nameof(DenseBackwardInput), arguments.Product, arguments);

    [KernelEntry(Variant = KernelVariant.Cuda, NeedsTensorCores = true, Instances = nameof(CudaInstances))]
    internal static void CudaKernel<T, TStorage, TTile, TSums, TLeft, TRight>(Arguments<T> a)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T> =>
        CudaGemm.Run<T, TTile, TSums, TLeft, TRight, CudaFinish<T, TStorage>, NoColumnSums>(
            a.Product, new CudaFinish<T, TStorage> { A = a }, default);

    [KernelEntry(Variant = KernelVariant.Cuda, NeedsWarpGroups = true, LaunchBounds = typeof(WarpGroupTile), Instances = nameof(WarpGroupInstances))]
    internal static void WarpGroupKernel<T, TStorage, TLeft, TRight>(Arguments<T> a)
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T> =>
        WarpGroupGemm.Run<T, TLeft, TRight, CudaFinish<T, TStorage>, NoColumnSums>(
            a.Product, new CudaFinish<T, TStorage> { A = a }, default);

    private static (Type Left, Type Right)[] CudaLayouts => [(typeof(AlongFloats), typeof(AlongFloats)), (typeof(AlongBFloat16), typeof(AlongBFloat16))];

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

    private struct CudaFinish<T, TStorage> : IProductFinish
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>
    {
        public Arguments<T> A;

        public readonly Philox.Words Draw(int row, int column) => DenseBackwardInput.Draw(A.Settings, row, column);

        public readonly void Store(int row, int column, float sum, Philox.Words words) => Finish<T, TStorage>(A, row, column, sum, words);
    }
}
