namespace GpuDistill.Kernels;

/// <summary>
/// How an operation is carried out. Every operation has a table of the variants it offers; <see cref="Auto"/> takes the
/// first one that the device supports, any other value forces that variant or fails, and never falls back silently.
/// </summary>
public enum KernelVariant
{
    /// <summary>The fastest variant that the device supports.</summary>
    Auto,

    /// <summary>An ILGPU kernel that runs on every accelerator: CUDA, OpenCL and ILGPU's CPU accelerator.</summary>
    Portable,

    /// <summary>128-bit SIMD on the CPU accelerator's buffers (SSE, Arm Advanced SIMD).</summary>
    Simd128,

    /// <summary>256-bit SIMD on the CPU accelerator's buffers (AVX2).</summary>
    Simd256,

    /// <summary>512-bit SIMD on the CPU accelerator's buffers (AVX-512).</summary>
    Simd512,

    /// <summary>A kernel made for CUDA's memory system and warps.</summary>
    Cuda,
}
