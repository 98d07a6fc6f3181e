using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>
/// More shared memory than a CUDA kernel has without asking for it, which ILGPU does not (CUDA Driver API, cuFuncSetAttribute). All
/// devices from sm_80 on have 99 KB at least. Not run on a GPU yet.
/// </summary>
internal static unsafe class CudaSharedMemory
{
    private const int WithoutAsking = 48 * 1024;

    // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    private const int MostDynamicBytes = 8;

    /// <summary>Lets a kernel be launched with that many bytes of dynamic shared memory. The device's context must be current.</summary>
    /// <exception cref="CudaException">The device does not have so much.</exception>
    public static void Allow(CudaKernel kernel, int bytes)
    {
        if (bytes <= WithoutAsking)
            return;
        var set = (delegate* unmanaged<nint, int, int, int>)NativeLibrary.GetExport(CudaDriver.Library, "cuFuncSetAttribute");
        CudaException.ThrowIfFailed((CudaError)set(kernel.FunctionPtr, MostDynamicBytes, bytes));
    }
}
