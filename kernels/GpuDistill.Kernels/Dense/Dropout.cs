using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Inverted dropout (Srivastava et al. 2014): an element is set to 0 with probability <paramref name="Rate"/>, else divided by
/// 1 - Rate. The mask follows from seed, stream, step, row and column, so nothing is stored and backward draws it again.
/// </summary>
/// <remarks>
/// The one rule, on every device: an element is kept if and only if its uniform number in [0, 1), a multiple of 2^-24 drawn by
/// Philox4x32-10, is at least Rate. So the mask is the same bits on all devices, and Rate 0 keeps everything.
/// </remarks>
/// <param name="Rate">The share dropped, at least 0 and below 1.</param>
/// <param name="Seed">The training's seed.</param>
/// <param name="Stream">Tells layers apart; see <see cref="RandomStreams.Dropout"/>.</param>
/// <param name="Clock">The step's state, [1].</param>
public sealed record Dropout(float Rate, ulong Seed, uint Stream, ArrayView<StepState> Clock);
