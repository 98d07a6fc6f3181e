namespace GpuDistill.Kernels;

/// <summary>
/// The layer that produced a dense layer's input: what <see cref="DenseBackwardInput"/> needs to carry the gradient through that
/// layer's dropout and activation in the same pass.
/// </summary>
/// <typeparam name="T">The type of the matrices.</typeparam>
/// <param name="Activation">The producing layer's activation.</param>
/// <param name="Output">Its output, [B x K], after activation and dropout.</param>
/// <param name="Preactivation">What its activation was applied to, [B x K]: needed for GELU, unused otherwise.</param>
/// <param name="Dropout">The dropout of its output, or null.</param>
public sealed record Producer<T>(
    Activation Activation, Matrix<T> Output, Matrix<T>? Preactivation = null, Dropout? Dropout = null)
    where T : unmanaged;
