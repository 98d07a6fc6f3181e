using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

/// <summary>How methods with a SIMD loop are compiled.</summary>
internal static class SimdLoop
{
    /// <summary>
    /// At once and in full, since what the tiers learn from the first calls of a loop makes registers spill; and never as part of
    /// a caller, whose budget for inlining the loop's vector operations would soon exceed: each would become a call.
    /// </summary>
    public const MethodImplOptions Alone = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;
}
