namespace GpuDistill.Kernels;

// Product: see CudaGemm. Bias, activation and dropout are the portable kernel's code, applied to the sums in shared memory.
public static partial class DenseForward
{
    private static Launch BindCuda<T, TOutput, TStorage, TLeft, TRight>(KernelContext context, Arguments<T, TOutput> arguments)
        where T : unmanaged
        where TOutput : unmanaged
        where TStorage : unmanaged, IStorage<TOutput>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T> =>
        CudaGemmLaunch.Bind<T, Arguments<T, TOutput>, CudaKernels<T, TOutput, TStorage, TLeft, TRight>>(
            context, nameof(DenseForward), arguments.Product, arguments);

    [KernelEntry(Variant = KernelVariant.Cuda, NeedsTensorCores = true, Instances = nameof(CudaInstances))]
    internal static void CudaKernel<T, TOutput, TStorage, TTile, TSums, TLeft, TRight>(Arguments<T, TOutput> a)
        where T : unmanaged
        where TOutput : unmanaged
        where TStorage : unmanaged, IStorage<TOutput>
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T> =>
        CudaGemm.Run<T, TTile, TSums, TLeft, TRight, CudaFinish<T, TOutput, TStorage>, NoColumnSums>(
            a.Product, new CudaFinish<T, TOutput, TStorage> { A = a }, default);

    [KernelEntry(Variant = KernelVariant.Cuda, NeedsWarpGroups = true, LaunchBounds = typeof(WarpGroupTile), Instances = nameof(WarpGroupInstances))]
    internal static void WarpGroupKernel<T, TOutput, TStorage, TLeft, TRight>(Arguments<T, TOutput> a)
        where T : unmanaged
        where TOutput : unmanaged
        where TStorage : unmanaged, IStorage<TOutput>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T> =>
        WarpGroupGemm.Run<T, TLeft, TRight, CudaFinish<T, TOutput, TStorage>, NoColumnSums>(
            a.Product, new CudaFinish<T, TOutput, TStorage> { A = a }, default);

    private static (Type Left, Type Right)[] CudaLayouts => [(typeof(AlongFloats), typeof(AcrossFloats)), (typeof(AlongBFloat16), typeof(AcrossBFloat16))];

    private static IEnumerable<Type[]> CudaInstances() => WithOutputs(CudaGemmLaunch.Instances(CudaLayouts));

    private static IEnumerable<Type[]> WarpGroupInstances() => WithOutputs(CudaGemmLaunch.WarpGroupInstances(CudaLayouts));

    // The output is of the operands' type, or of operands in bf16 in single precision.
    private static IEnumerable<Type[]> WithOutputs(IEnumerable<Type[]> kernels) =>
        from kernel in kernels
        from output in ((Type Element, Type Storage)[])[(typeof(float), typeof(FloatStorage)), (typeof(ushort), typeof(BFloat16Storage))]
        where output.Element == kernel[0] || kernel[0] == typeof(ushort)
        select (Type[])[kernel[0], output.Element, output.Storage, .. kernel[2..]];

    private readonly struct CudaKernels<T, TOutput, TStorage, TLeft, TRight> : ICudaKernels<Arguments<T, TOutput>>
        where T : unmanaged
        where TOutput : unmanaged
        where TStorage : unmanaged, IStorage<TOutput>
        where TLeft : unmanaged, IOperandLayout<T>
        where TRight : unmanaged, IOperandLayout<T>
    {
        public static Action<Arguments<T, TOutput>> Of<TTile, TSums>()
            where TTile : unmanaged, ICudaTile
            where TSums : struct, IWarpSums<TSums> =>
            CudaKernel<T, TOutput, TStorage, TTile, TSums, TLeft, TRight>;

        public static Action<Arguments<T, TOutput>> OfWarpGroups => WarpGroupKernel<T, TOutput, TStorage, TLeft, TRight>;
    }

    private struct CudaFinish<T, TOutput, TStorage> : IProductFinish
        where T : unmanaged
        where TOutput : unmanaged
        where TStorage : unmanaged, IStorage<TOutput>
    {
        public Arguments<T, TOutput> A;

        public readonly Philox.Words Draw(int row, int column) => A.Settings.Dropout.Draw(row, column);

        public readonly void Store(int row, int column, float sum, Philox.Words words) => Finish<T, TOutput, TStorage>(A, row, column, sum, words);
    }
}
