using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GpuDistill.Kernels;

/// <summary>Which SIMD widths this process can use.</summary>
internal static class SimdSupport
{
    /// <summary>Whether the processor runs the variant's width in hardware.</summary>
    public static bool Has(KernelVariant variant) => variant switch
    {
        // Not Vector512.IsHardwareAccelerated: that is false on processors that lower their clock for 512-bit code.
        KernelVariant.Simd512 => Avx512F.IsSupported && Avx512DQ.IsSupported,
        KernelVariant.Simd256 => Vector256.IsHardwareAccelerated,
        KernelVariant.Simd128 => Vector128.IsHardwareAccelerated,
        _ => false,
    };
}
