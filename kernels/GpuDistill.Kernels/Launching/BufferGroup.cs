using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// Buffers that are allocated one after the other and freed together. If one cannot be allocated, those before it are freed at once:
/// whoever is short of memory has no use for what waits for a finalizer.
/// </summary>
/// <param name="accelerator">Where they are.</param>
internal sealed class BufferGroup(Accelerator accelerator) : IDisposable
{
    private readonly List<MemoryBuffer> _buffers = [];

    public MemoryBuffer1D<T, Stride1D.Dense> Allocate<T>(long length)
        where T : unmanaged =>
        Add(() => accelerator.Allocate1D<T>(length));

    /// <summary>A buffer with a copy of <paramref name="values"/>, which is there once the default stream is.</summary>
    public MemoryBuffer1D<T, Stride1D.Dense> Allocate<T>(T[] values)
        where T : unmanaged =>
        Add(() => accelerator.Allocate1D(values));

    public void Dispose()
    {
        foreach (MemoryBuffer buffer in _buffers)
            buffer.Dispose();
    }

    private T Add<T>(Func<T> allocate)
        where T : MemoryBuffer
    {
        try
        {
            T buffer = allocate();
            _buffers.Add(buffer);
            return buffer;
        }
        catch
        {
            Dispose();
            throw;
        }
    }
}
