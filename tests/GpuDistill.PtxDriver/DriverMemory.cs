using System.Runtime.InteropServices;
using GpuDistill.PtxMachine;

namespace GpuDistill.PtxDriver;

/// <summary>
/// A context's allocations, at addresses of this process: device memory and page-locked memory. Whatever else is named is pageable memory.
/// What was allocated holds nonsense at first.
/// </summary>
internal sealed unsafe class DriverMemory
{
    /// <summary>What the device has.</summary>
    public static long TotalBytes => 8L << 30;

    private const int Alignment = 256;

    private readonly Dictionary<nint, long> _device = [];
    private readonly Dictionary<nint, long> _pageLocked = [];
    private GlobalMemory? _global;

    public long FreeBytes => TotalBytes - _device.Values.Sum();

    /// <summary>What kernels see.</summary>
    public GlobalMemory Global => _global ??= new GlobalMemory([.. _device.Concat(_pageLocked).Select(buffer => (buffer.Key, buffer.Value))]);

    public nint Allocate(long bytes, bool isPageLocked)
    {
        if (bytes <= 0)
            throw new DriverException(Result.InvalidValue, $"an allocation of {bytes} bytes");
        if (bytes > FreeBytes)
            throw new DriverException(Result.OutOfMemory, $"{bytes} bytes are asked for, and {FreeBytes} are free");
        var memory = (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        NativeMemory.Fill((void*)memory, (nuint)bytes, Nonsense.Byte);
        (isPageLocked ? _pageLocked : _device).Add(memory, bytes);
        _global = null;
        return memory;
    }

    public void Free(nint memory, bool isPageLocked)
    {
        if (!(isPageLocked ? _pageLocked : _device).Remove(memory))
            throw new DriverException(Result.InvalidValue, $"{memory:X} was not allocated, or was freed before");
        NativeMemory.AlignedFree((void*)memory);
        _global = null;
    }

    public void FreeAll()
    {
        foreach (nint memory in _device.Keys.Concat(_pageLocked.Keys))
            NativeMemory.AlignedFree((void*)memory);
        _device.Clear();
        _pageLocked.Clear();
        _global = null;
    }

    public bool IsDevice(nint address, long bytes) => Holds(_device, address, bytes);

    /// <summary>Whether memory is pageable: neither the device's nor page-locked.</summary>
    public bool IsPageable(nint address, long bytes) => !Holds(_device, address, bytes) && !Holds(_pageLocked, address, bytes);

    private static bool Holds(Dictionary<nint, long> buffers, nint address, long bytes)
    {
        foreach ((nint start, long length) in buffers)
        {
            if (address < start || address >= start + length)
                continue;
            return address + bytes <= start + length
                ? true
                : throw new DriverException(Result.InvalidValue, $"{bytes} bytes from {address - start} on of a buffer of {length}");
        }

        return false;
    }
}
