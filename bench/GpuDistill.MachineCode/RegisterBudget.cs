namespace GpuDistill.MachineCode;

/// <summary>
/// The most registers per thread that a kernel may take on any of the architectures, a multiple of 8 as the hardware gives them
/// out. 32 allow full occupancy on Ampere and Hopper, 40 three quarters, 64 half. Raised only together with a reason.
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
