namespace GpuDistill.Kernels;

/// <summary>
/// The layer that produced a dense layer's input: what <see cref="DenseBackwardInput"/> needs to carry the gradient through that
/// layer's dropout and activation in the same pass.
/// </summary>
/// <param name="Activation">The producing layer's activation.</param>
/// <param name="Output">Its output, [B x K], after activation and dropout.</param>
/// <param name="Preactivation">What its activation was applied to, [B x K]: needed for GELU, unused otherwise.</param>
/// <param name="Dropout">The dropout of its output, or null.</param>
public sealed record Producer(
    Activation Activation, Matrix<float> Output, Matrix<float>? Preactivation = null, Dropout? Dropout = null);
