using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// A launch that runs as ordinary C# on the CPU accelerator's buffers, which are plain host memory. All workers of the
/// team call <see cref="Execute"/>; they may meet at <see cref="CpuTeam.Barrier"/>, and must all meet the same number
/// of times. How work is split must not change a result's bits: split over outputs, never over a sum.
/// </summary>
internal abstract class CpuLaunch(string operation, KernelVariant variant, CpuWorkers workers)
    : Launch(operation, variant)
{
    internal CpuWorkers Workers => workers;

    /// <summary>
    /// For a launch that keeps nothing but raw pointers: the arguments it took them from. A view keeps its buffer from being
    /// collected, a pointer does not.
    /// </summary>
    internal object? Holds { get; init; }

    internal abstract void Execute(CpuTeam team);

    private protected override void Submit(AcceleratorStream stream) => workers.Run(this);
}
