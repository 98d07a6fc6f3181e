using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>Raw access to the CPU accelerator's buffers, which are native host memory and do not move.</summary>
internal static unsafe class CpuPointer
{
    /// <summary>The address of a view's first element; null for an empty view.</summary>
    public static T* Of<T>(ArrayView<T> view)
        where T : unmanaged =>
        view.Length == 0 ? null : (T*)Unsafe.AsPointer(ref view[0]);

    /// <summary>Elements up to the first address that is a multiple of <paramref name="width"/> elements.</summary>
    public static int ElementsToAlign(float* address, int width) => (int)(-((nint)address / sizeof(float)) & (width - 1));

    /// <summary>Asks for the cache line of an address, which need not be valid. No effect where there is no such instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    /// <summary>Orders what was stored past the caches before all that is stored after.</summary>
    public static void FenceStores()
    {
        if (Sse.IsSupported)
            Sse.StoreFence();
    }
}
