using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.GpuTimings;

/// <summary>The buffers of one timing and the launches over them, freed together.</summary>
internal sealed class DeviceBuffers(Accelerator accelerator) : IDisposable
{
    // The largest L2 cache of the GPUs in question is 60 MB: what is smaller than this is there several times, and taken in turns.
    private const long BytesBeyondCaches = 512L << 20;
    private const int MostSets = 256;

    private readonly Stack<IDisposable> _owned = new();

    /// <summary>Bytes allocated.</summary>
    public long Bytes { get; private set; }

    /// <summary>Of how many sets of buffers of so many bytes each no cache keeps anything until its turn comes again.</summary>
    public static int Sets(double bytes) => (int)Math.Clamp(Math.Ceiling(BytesBeyondCaches / bytes), 1, MostSets);

    /// <summary>A buffer that holds <paramref name="values"/> over and over, or zeros where there are none.</summary>
    public ArrayView<T> Allocate<T>(long length, T[]? values = null)
        where T : unmanaged
    {
        MemoryBuffer1D<T, Stride1D.Dense> buffer = Own(accelerator.Allocate1D<T>(length));
        Bytes += length * Unsafe.SizeOf<T>();
        AcceleratorStream stream = accelerator.DefaultStream;
        if (values is null)
            buffer.MemSetToZero(stream);
        for (long start = 0; values is not null && start < length; start += values.Length)
        {
            long count = Math.Min(values.Length, length - start);
            buffer.View.SubView(start, count).CopyFromCPU(stream, count == values.Length ? values : values[..(int)count]);
        }

        stream.Synchronize();
        return buffer.View;
    }

    public T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    // The last first: launches before the buffers that they are over.
    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
            owned.Dispose();
    }
}
