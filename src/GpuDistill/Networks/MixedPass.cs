using GpuDistill.Kernels;
using ILGPU;

namespace GpuDistill;

/// <summary>
/// Mixed precision (Micikevicius et al. 2018): images, activations, their gradients and a copy of the weights are in bf16. The
/// parameters themselves stay in single precision, with their gradients and moments, and so do biases, logits and losses: an update
/// is often below the last place of a weight in bf16, and would be lost there. A loss is not scaled, since bf16 has the range of
/// single precision.
/// </summary>
/// <remarks>
/// Logits are the last layer's sums as they are: in bf16 one between 8 and 16 would be off by up to 1/32, and the teacher's with it. What
/// an objective writes is of the type that it reads, so the gradient at the logits is rounded by a launch of its own.
/// </remarks>
internal sealed class MixedPass : LayeredPass<BFloat16>
{
    // With the parameters' layout, of which weights come first: layers begin at multiples of 128 bytes.
    private readonly ArrayView<BFloat16> _weights;

    public MixedPass(Network network, Batch batch, TrainingPass? training)
        : base(network, batch, training)
    {
        _weights = AllocateBuffer<BFloat16>(network.Parameters.Layout.WeightsLength).View;
        if (training is not null)
            LogitsGradient = Allocate<BFloat16>(network.Shape.Classes);
    }

    protected override Matrix<BFloat16> LogitsGradient { get; }

    public override IEnumerable<Launch> RefreshWeights() =>
        [PrecisionCast.Bind(Network.Device.Kernels, Network.Parameters.All.SubView(0, _weights.Length), _weights)];

    public override IEnumerable<Launch> Backward(ParameterViews gradients) =>
        base.Backward(gradients).Prepend(PrecisionCast.Bind(Network.Device.Kernels, Logits.Data, LogitsGradient.Data));

    protected override Matrix<BFloat16> Weights(int layer)
    {
        Matrix<float> weights = Network.Parameters.Weights(layer);
        (int start, int length) = Network.Parameters.Layout.Weights(layer);
        return new Matrix<BFloat16>(_weights.SubView(start, length), weights.Rows, weights.Columns);
    }

    protected override float[] ToFloats(BFloat16[] values) => [.. values.Select(value => (float)value)];
}
