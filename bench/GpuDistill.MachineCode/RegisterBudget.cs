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
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Single>, QuadRow, ShuffledReduction>"] = 72,
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Single>, DoubleRow<QuadRow>, ShuffledReduction>"] = 80,
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Single>, DoubleRow<DoubleRow<QuadRow>>, ShuffledReduction>"] = 112,
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Single>, DoubleRow<DoubleRow<DoubleRow<QuadRow>>>, ShuffledReduction>"] = 152,
        ["DistillationLoss.CudaRowKernel<Single, SingleElements<Single>, StreamedRow, ShuffledReduction>"] = 64,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, QuadRow, ShuffledReduction>"] = 72,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, DoubleRow<QuadRow>, ShuffledReduction>"] = 80,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, DoubleRow<DoubleRow<QuadRow>>, ShuffledReduction>"] = 96,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, DoubleRow<DoubleRow<DoubleRow<QuadRow>>>, ShuffledReduction>"] = 128,
        ["DistillationLoss.CudaRowKernel<Single, WholeQuads, StreamedRow, ShuffledReduction>"] = 64,
        ["DistillationLoss.RowKernel<Single>"] = 64,
        ["DistillationLoss.TotalsKernel<Single>"] = 32,
        ["LogitMatching.RowsKernel"] = 48,
        ["LogitMatching.TotalsKernel"] = 32,
        ["MatrixProduct.Kernel"] = 48,
        ["MaxNorm.Kernel"] = 32,
        ["Sgd.Kernel"] = 24,
        ["StepClock.Kernel"] = 40,
        ["TeacherMean.AddLogitsKernel"] = 32,
        ["TeacherMean.AddProbabilitiesKernel"] = 32,
        ["TeacherMean.FinishKernel"] = 24,
        ["TemperatureSoftmax.Kernel<Single>"] = 32,
    };
}
