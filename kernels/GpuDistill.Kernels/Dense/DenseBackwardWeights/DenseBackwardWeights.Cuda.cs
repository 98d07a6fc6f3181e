namespace GpuDistill.Kernels;

// Product: see CudaGemm. Groups of the first row of tiles also sum the columns of the gradient, exactly, from the panels they multiply.
public static partial class DenseBackwardWeights
{
    private static Launch BindCuda(KernelContext context, Arguments arguments) =>
        CudaGemmLaunch.Bind<Arguments, CudaKernels>(context, nameof(DenseBackwardWeights), arguments.Product, arguments);

    [KernelEntry(
        Variant = KernelVariant.Cuda,
        GroupsPerMultiprocessor = CudaGemmLaunch.GroupsPerMultiprocessor,
        NeedsPtxIntrinsics = true,
        Instances = nameof(CudaInstances))]
    internal static void CudaKernel<TTile, TSums>(Arguments a)
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums> =>
        CudaGemm.Run<TTile, TSums, AcrossTerms, AcrossTerms, PlainFinish, PanelColumnSums>(
            a.Product, new PlainFinish { Product = a.Product }, new PanelColumnSums { Target = a.BiasGradients });

    private static IEnumerable<Type[]> CudaInstances() => CudaGemmLaunch.Instances();

    private readonly struct CudaKernels : ICudaKernels<Arguments>
    {
        public static Action<Arguments> Of<TTile, TSums>()
            where TTile : unmanaged, ICudaTile
            where TSums : struct, IWarpSums<TSums> =>
            CudaKernel<TTile, TSums>;
    }
}
