using System.Runtime.InteropServices;

namespace GpuDistill.Kernels;

/// <summary>Native memory for packed operands, aligned to a cache line; freed when disposed or collected.</summary>
internal sealed unsafe class AlignedFloats : IDisposable
{
    private const int CacheLine = 64;

    public AlignedFloats(long count)
    {
        Count = count;
        long bytes = Math.Max(1, count) * sizeof(float);
        Pointer = (float*)NativeMemory.AlignedAlloc((nuint)bytes, CacheLine);
    }

    ~AlignedFloats() => Free();

    public float* Pointer { get; private set; }

    public long Count { get; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}
