namespace GpuDistill.Kernels;

// Product: see CudaGemm. Bias, activation and dropout are the portable kernel's code, applied to the sums in shared memory.
public static partial class DenseForward
{
    private static Launch BindCuda(KernelContext context, Arguments arguments) =>
        CudaGemmLaunch.Bind<Arguments, CudaKernels>(context, nameof(DenseForward), arguments.Product, arguments);

    [KernelEntry(
        Variant = KernelVariant.Cuda,
        GroupsPerMultiprocessor = CudaGemmLaunch.GroupsPerMultiprocessor,
        NeedsPtxIntrinsics = true,
        Instances = nameof(CudaInstances))]
    internal static void CudaKernel<TTile, TSums>(Arguments a)
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums> =>
        CudaGemm.Run<TTile, TSums, AlongTerms, AcrossTerms, CudaFinish, NoColumnSums>(
            a.Product, new CudaFinish { A = a }, default);

    private static IEnumerable<Type[]> CudaInstances() => CudaGemmLaunch.Instances();

    private readonly struct CudaKernels : ICudaKernels<Arguments>
    {
        public static Action<Arguments> Of<TTile, TSums>()
            where TTile : unmanaged, ICudaTile
            where TSums : struct, IWarpSums<TSums> =>
            CudaKernel<TTile, TSums>;
    }

    private struct CudaFinish : IProductFinish
    {
        public Arguments A;

        public readonly Philox.Words Draw(int row, int column) => A.Dropout.Draw(row, column);

        public readonly void Store(int row, int column, float sum, Philox.Words words) => Finish(A, row, column, sum, words);
    }
}
