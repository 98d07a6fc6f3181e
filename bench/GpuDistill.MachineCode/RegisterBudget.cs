namespace GpuDistill.MachineCode;

/// <summary>
/// The most registers per thread that a kernel may take on any of the architectures, a multiple of 8 as the hardware gives them
/// out. 32 allow full occupancy on Ampere and Hopper, 40 three quarters, 64 half. Raised only together with a reason. The CUDA
/// loss holds up to 64 logits in registers: with 128 a multiprocessor has two groups, of which each thread has 256 bytes under way.
/// Its slabs hold 24, and five groups of 128 share a multiprocessor.
/// </summary>
internal static class RegisterBudget
{
    public static IReadOnlyDictionary<string, int> Table { get; } = new Dictionary<string, int>
    {
        ["AdamW.Kernel"] = 40,
        ["BatchGather.Kernel"] = 32,
        ["DenseBackwardInput.Kernel"] = 48,
        ["DenseBackwardWeights.Kernel"] = 48,
        ["DenseForward.Kernel"] = 48,
        ["DistillationLoss.ClearKernel<Single>"] = 16,
        ["DistillationLoss.ClearKernel<UInt16>"] = 16,
        ["DistillationLoss.CountKernel<Single>"] = 24,
        ["DistillationLoss.CountKernel<UInt16>"] = 24,
        ["DistillationLoss.CudaPartKernel<Single, SingleElements<Float>, StreamedRow, ShuffledReduction>"] = 72,
        ["DistillationLoss.CudaPartKernel<Single, WholeQuads, JoinedRow<JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>>, ShuffledReduction>"] = 120,
        ["DistillationLoss.CudaPartKernel<UInt16, SingleElements<BFloat16>, StreamedRow, ShuffledReduction>"] = 72,
        ["DistillationLoss.CudaPartKernel<UInt16, SingleElements<Half>, StreamedRow, ShuffledReduction>"] = 72,
        ["DistillationLoss.CudaPartKernel<UInt16, WholeShorts<BFloat16>, JoinedRow<JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>>, ShuffledReduction>"] = 120,
        ["DistillationLoss.CudaPartKernel<UInt16, WholeShorts<Half>, JoinedRow<JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>>, ShuffledReduction>"] = 120,
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Float>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, ShuffledReduction>"] = 112,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, JoinedRow<JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>>, ShuffledReduction>"] = 128,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, ShuffledReduction>"] = 104,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<BFloat16>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, ShuffledReduction>"] = 112,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<Half>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, ShuffledReduction>"] = 104,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<BFloat16>, JoinedRow<JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>>, ShuffledReduction>"] = 128,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<BFloat16>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, ShuffledReduction>"] = 104,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<Half>, JoinedRow<JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>>, ShuffledReduction>"] = 128,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<Half>, JoinedRow<JoinedRow<QuadRow, QuadRow>, JoinedRow<QuadRow, QuadRow>>, ShuffledReduction>"] = 104,
        ["DistillationLoss.CudaSlabKernel<Single, FloatSlab, SlabPairs, WarpReduction>"] = 96,
        ["DistillationLoss.CudaSlabKernel<Single, FloatSlab, SlabQuads, WarpReduction>"] = 96,
        ["DistillationLoss.CudaSlabKernel<Single, FloatSlab, SlabSingles, WarpReduction>"] = 96,
        ["DistillationLoss.CudaSlabKernel<UInt16, ShortSlab<BFloat16>, SlabPairs, WarpReduction>"] = 96,
        ["DistillationLoss.CudaSlabKernel<UInt16, ShortSlab<BFloat16>, SlabQuads, WarpReduction>"] = 88,
        ["DistillationLoss.CudaSlabKernel<UInt16, ShortSlab<BFloat16>, SlabSingles, WarpReduction>"] = 96,
        ["DistillationLoss.CudaSlabKernel<UInt16, ShortSlab<Half>, SlabPairs, WarpReduction>"] = 96,
        ["DistillationLoss.CudaSlabKernel<UInt16, ShortSlab<Half>, SlabQuads, WarpReduction>"] = 96,
        ["DistillationLoss.CudaSlabKernel<UInt16, ShortSlab<Half>, SlabSingles, WarpReduction>"] = 96,
        ["DistillationLoss.RecordsKernel<Single>"] = 32,
        ["DistillationLoss.RecordsKernel<UInt16>"] = 32,
        ["DistillationLoss.RowKernel<BFloat16>"] = 64,
        ["DistillationLoss.RowKernel<Float>"] = 64,
        ["DistillationLoss.RowKernel<Half>"] = 64,
        ["DistillationLoss.ScalesKernel<Single>"] = 16,
        ["DistillationLoss.ScalesKernel<UInt16>"] = 16,
        ["DistillationLoss.TotalsKernel<Single>"] = 32,
        ["DistillationLoss.TotalsKernel<UInt16>"] = 32,
        ["LogitMatching.RowsKernel"] = 48,
        ["LogitMatching.TotalsKernel"] = 32,
        ["MatrixProduct.Kernel"] = 48,
        ["MaxNorm.Kernel"] = 32,
        ["Sgd.Kernel"] = 24,
        ["StepClock.Kernel"] = 32,
        ["TeacherMean.AddLogitsKernel"] = 32,
        ["TeacherMean.AddProbabilitiesKernel"] = 32,
        ["TeacherMean.FinishKernel"] = 24,
        ["TemperatureSoftmax.Kernel<BFloat16>"] = 32,
        ["TemperatureSoftmax.Kernel<Float>"] = 32,
        ["TemperatureSoftmax.Kernel<Half>"] = 32,
    };
}
