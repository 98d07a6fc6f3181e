namespace GpuDistill.Kernels;

// The product alone: see CudaGemm. One kernel per pair of layouts.
public static partial class MatrixProduct
{
    private static Launch BindCuda(KernelContext context, GemmArguments a) => (a.TransposeLeft != 0, a.TransposeRight != 0) switch
    {
        (false, false) => Bind<AlongTerms, AcrossTerms>(context, a),
        (false, true) => Bind<AlongTerms, AlongTerms>(context, a),
        (true, false) => Bind<AcrossTerms, AcrossTerms>(context, a),
        (true, true) => Bind<AcrossTerms, AlongTerms>(context, a),
    };

    private static Launch Bind<TLeft, TRight>(KernelContext context, GemmArguments a)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout =>
        CudaGemmLaunch.Bind<GemmArguments, CudaKernels<TLeft, TRight>>(context, nameof(MatrixProduct), a, a);

    [KernelEntry(
        Variant = KernelVariant.Cuda,
        GroupsPerMultiprocessor = CudaGemmLaunch.GroupsPerMultiprocessor,
        NeedsPtxIntrinsics = true,
        Instances = nameof(CudaInstances))]
    internal static void CudaKernel<TTile, TSums, TLeft, TRight>(GemmArguments a)
        where TTile : unmanaged, ICudaTile
        where TSums : struct, IWarpSums<TSums>
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout =>
        CudaGemm.Run<TTile, TSums, TLeft, TRight, PlainFinish, NoColumnSums>(a, new PlainFinish { Product = a }, default);

    private static IEnumerable<Type[]> CudaInstances() =>
        from kernel in CudaGemmLaunch.Instances()
        from left in (Type[])[typeof(AlongTerms), typeof(AcrossTerms)]
        from right in (Type[])[typeof(AlongTerms), typeof(AcrossTerms)]
        select (Type[])[.. kernel, left, right];

    private readonly struct CudaKernels<TLeft, TRight> : ICudaKernels<GemmArguments>
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout
    {
        public static Action<GemmArguments> Of<TTile, TSums>()
            where TTile : unmanaged, ICudaTile
            where TSums : struct, IWarpSums<TSums> =>
            CudaKernel<TTile, TSums, TLeft, TRight>;
    }
}
