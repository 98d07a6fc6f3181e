using GpuDistill.Kernels;

namespace GpuDistill;

/// <summary>Everything in single precision. The objective's gradient overwrites the logits, and is read there.</summary>
internal sealed class SinglePass(Network network, Batch batch, TrainingPass? training) : LayeredPass<float>(network, batch, training)
{
    protected override Matrix<float> LogitsGradient => Logits;

    public override IEnumerable<Launch> RefreshWeights() => [];

    protected override Matrix<float> Weights(int layer) => Network.Parameters.Weights(layer);

    protected override float[] ToFloats(float[] values) => values;
}
