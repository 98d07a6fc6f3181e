using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>What all rows of a batch have in common. A device struct.</summary>
internal struct LossBatch
{
    public DistillationLoss.LossSettings Settings;
    public ArrayView<float> ClassWeights;
    public int HasClassWeights;
    public float SoftReduction, HardReduction;

    public readonly float ClassWeight(int column) => HasClassWeights != 0 ? ClassWeights[column] : 1;
}
