namespace GpuDistill.MachineCode;

/// <summary>
/// The most registers per thread that a kernel may take on any of the architectures, a multiple of 8 as the hardware gives them
/// out. 32 allow full occupancy on Ampere and Hopper, 40 three quarters, 64 half. Raised only together with a reason. The CUDA
/// loss holds up to 64 logits in registers: with 128 a multiprocessor has two groups, of which each thread has 256 bytes under way.
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
        ["DistillationLoss.CountKernel<Single>"] = 24,
        ["DistillationLoss.CountKernel<UInt16>"] = 24,
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Float>, DoubleRow<DoubleRow<DoubleRow<QuadRow>>>, ShuffledReduction>"] = 152,
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Float>, DoubleRow<DoubleRow<QuadRow>>, ShuffledReduction>"] = 112,
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Float>, DoubleRow<QuadRow>, ShuffledReduction>"] = 80,
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Float>, QuadRow, ShuffledReduction>"] = 72,
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Float>, StreamedRow, ShuffledReduction>"] = 64,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, DoubleRow<DoubleRow<DoubleRow<QuadRow>>>, ShuffledReduction>"] = 128,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, DoubleRow<DoubleRow<QuadRow>>, ShuffledReduction>"] = 104,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, DoubleRow<QuadRow>, ShuffledReduction>"] = 80,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, QuadRow, ShuffledReduction>"] = 72,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, StreamedRow, ShuffledReduction>"] = 64,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<BFloat16>, DoubleRow<DoubleRow<DoubleRow<QuadRow>>>, ShuffledReduction>"] = 152,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<BFloat16>, DoubleRow<DoubleRow<QuadRow>>, ShuffledReduction>"] = 112,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<BFloat16>, DoubleRow<QuadRow>, ShuffledReduction>"] = 80,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<BFloat16>, QuadRow, ShuffledReduction>"] = 80,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<BFloat16>, StreamedRow, ShuffledReduction>"] = 64,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<Half>, DoubleRow<DoubleRow<DoubleRow<QuadRow>>>, ShuffledReduction>"] = 152,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<Half>, DoubleRow<DoubleRow<QuadRow>>, ShuffledReduction>"] = 112,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<Half>, DoubleRow<QuadRow>, ShuffledReduction>"] = 80,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<Half>, QuadRow, ShuffledReduction>"] = 72,
        ["DistillationLoss.CudaRowKernel<UInt16, SingleElements<Half>, StreamedRow, ShuffledReduction>"] = 64,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<BFloat16>, DoubleRow<DoubleRow<DoubleRow<QuadRow>>>, ShuffledReduction>"] = 128,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<BFloat16>, DoubleRow<DoubleRow<QuadRow>>, ShuffledReduction>"] = 104,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<BFloat16>, DoubleRow<QuadRow>, ShuffledReduction>"] = 80,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<BFloat16>, QuadRow, ShuffledReduction>"] = 64,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<BFloat16>, StreamedRow, ShuffledReduction>"] = 64,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<Half>, DoubleRow<DoubleRow<DoubleRow<QuadRow>>>, ShuffledReduction>"] = 128,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<Half>, DoubleRow<DoubleRow<QuadRow>>, ShuffledReduction>"] = 104,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<Half>, DoubleRow<QuadRow>, ShuffledReduction>"] = 80,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<Half>, QuadRow, ShuffledReduction>"] = 72,
        ["DistillationLoss.CudaRowKernel<UInt16, WholeShorts<Half>, StreamedRow, ShuffledReduction>"] = 64,
        ["DistillationLoss.RowKernel<BFloat16>"] = 64,
        ["DistillationLoss.RowKernel<Float>"] = 64,
        ["DistillationLoss.RowKernel<Half>"] = 64,
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
