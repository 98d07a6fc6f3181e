namespace GpuDistill.Kernels;

// Product: see CudaGemm. The backward passes of the producer are the portable kernel's code, applied to the sums in shared memory.
public static partial class DenseBackwardInput
{
    private static Launch BindCuda(KernelContext context, Arguments arguments) =>
        CudaGemmLaunch.Bind<Arguments, CudaKernels>(context, nameof(DenseBackwardInput), arguments.Product, arguments);

    [KernelEntry(
        Variant = KernelVariant.Cuda,
        GroupsPerMultiprocessor = CudaGemmLaunch.GroupsPerMultiprocessor,
        NeedsPtxIntrinsics = true,
        Instances = nameof(CudaInstances))]
    internal static void CudaKernel<TTile, TSums>(Arguments a)
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums> =>
        CudaGemm.Run<TTile, TSums, AlongTerms, AlongTerms, CudaFinish, NoColumnSums>(
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

        public readonly Philox.Words Draw(int row, int column) => DenseBackwardInput.Draw(A, row, column);

        public readonly void Store(int row, int column, float sum, Philox.Words words) => Finish(A, row, column, sum, words);
    }
}
