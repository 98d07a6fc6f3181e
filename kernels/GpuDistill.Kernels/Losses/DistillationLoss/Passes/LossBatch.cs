using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>What all rows of a batch have in common. A device struct.</summary>
internal struct LossBatch
{
    public LossSettings Settings;
    public ArrayView<float> ClassWeights;
    public int HasClassWeights;
    public float SoftReduction, HardReduction;

    /// <summary>A class's weight, NaN for what is none: which makes the row's hard loss NaN.</summary>
    public readonly float WeightOrNaN(int column) => FloatBits.WeightOrNaN(ClassWeight(column));

    /// <summary>A class's weight as it is, for a row that has a loss.</summary>
    public readonly float ClassWeight(int column) => HasClassWeights != 0 ? ClassWeights[column] : 1;
}
