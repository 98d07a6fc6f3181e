using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>Raw access to the CPU accelerator's buffers, which are native host memory and do not move.</summary>
internal static unsafe class CpuPointer
{
    /// <summary>The address of a view's first element; null for an empty view.</summary>
    public static T* Of<T>(ArrayView<T> view)
        where T : unmanaged =>
        view.Length == 0 ? null : (T*)Unsafe.AsPointer(ref view[0]);
}
