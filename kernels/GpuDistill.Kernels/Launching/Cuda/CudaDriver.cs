using System.Runtime.InteropServices;

namespace GpuDistill.Kernels;

/// <summary>CUDA's driver, for the functions of it that ILGPU does not call.</summary>
internal static class CudaDriver
{
    private static readonly Lazy<nint> Handle = new(() => NativeLibrary.TryLoad(
        OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint library) ? library : 0);

    /// <summary>The library's handle, or 0 where there is none.</summary>
    public static nint Library => Handle.Value;
}
