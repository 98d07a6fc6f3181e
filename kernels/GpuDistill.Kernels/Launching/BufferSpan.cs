using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>The bytes of a buffer that a view covers: for checks of aliasing, on the host, when a launch is bound.</summary>
internal readonly record struct BufferSpan(MemoryBuffer? Buffer, long Start, long Length)
{
    public static BufferSpan Of<T>(ArrayView<T> view)
        where T : unmanaged
    {
        if (view.Length == 0)
            return default;
        IContiguousArrayView<T> contiguous = view;
        return new BufferSpan(contiguous.Buffer, contiguous.IndexInBytes, contiguous.LengthInBytes);
    }

    /// <summary>Whether a view begins at a multiple of 16 bytes; buffers do.</summary>
    public static bool IsAligned<T>(ArrayView<T> view)
        where T : unmanaged =>
        Of(view).Start % 16 == 0;

    public bool Overlaps(BufferSpan other) =>
        Buffer is not null && Buffer == other.Buffer && Start < other.Start + other.Length && other.Start < Start + Length;
}
