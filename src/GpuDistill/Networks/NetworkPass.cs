using GpuDistill.Kernels;
using ILGPU;

namespace GpuDistill;

/// <summary>
/// The buffers of one batch on its way through a network, allocated once, and the launches that carry it forward and its
/// gradient back.
/// </summary>
internal abstract class NetworkPass : IDisposable
{
    /// <summary>The last layer's output, [B x classes], in single precision always; after the objective has run, its gradient.</summary>
    public abstract Matrix<float> Logits { get; }

    /// <summary>A pass in the precision of the network's device.</summary>
    /// <param name="network">The network.</param>
    /// <param name="batch">The batch that is gathered.</param>
    /// <param name="training">What dropout needs while training; null for a pass that only predicts.</param>
    public static NetworkPass Of(Network network, Batch batch, TrainingPass? training = null) =>
        network.Device.Kernels.Precision == MatrixPrecision.BFloat16
            ? new MixedPass(network, batch, training)
            : new SinglePass(network, batch, training);

    /// <summary>What must follow a change of the network's parameters before the next batch goes forward: nothing, or one launch.</summary>
    public abstract IEnumerable<Launch> RefreshWeights();

    /// <summary>Gathers the batch as the input of the first layer.</summary>
    public abstract Launch Gather(BatchOptions options);

    public abstract IEnumerable<Launch> Forward();

    /// <summary>From the gradient at the logits to the gradients of all parameters.</summary>
    public abstract IEnumerable<Launch> Backward(ParameterViews gradients);

    /// <summary>What a layer took in, [B x its inputs].</summary>
    public abstract float[] ReadInputOf(int layer);

    /// <summary>After the backward pass of training, the gradient at a layer's output before its activation, [B x its outputs].</summary>
    public abstract float[] ReadGradientAt(int layer);

    public abstract void Dispose();
}

/// <summary>What a pass needs to train: dropout of the hidden layers, drawn by seed and step.</summary>
internal sealed record TrainingPass(float HiddenDropout, ulong Seed, ArrayView<StepState> Clock);
