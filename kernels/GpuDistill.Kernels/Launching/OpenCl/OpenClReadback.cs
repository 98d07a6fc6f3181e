using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;

namespace GpuDistill.Kernels;

/// <summary>
/// A read that does not block; to wait for it is to wait for all that is in the queue by then, since ILGPU gives out no event
/// without profiling.
/// </summary>
internal sealed unsafe class OpenClReadback<T>(CLStream stream, ArrayView<T> source) : Readback<T>
    where T : unmanaged
{
    // Native, so that it stays where it is.
    private T* _value = (T*)NativeMemory.AllocZeroed((nuint)sizeof(T));
    private bool _isUnderWay;

    public override bool HasArrived => !_isUnderWay;

    public override void Begin()
    {
        ObjectDisposedException.ThrowIf(_value is null, this);
        source.CopyToCPUUnsafeAsync(stream, ref *_value, 1);
        _isUnderWay = true;
        // Else a driver may keep the work until somebody waits for it.
        CLException.ThrowIfFailed(CLAPI.CurrentAPI.FlushCommandQueue(stream.CommandQueue));
    }

    public override T Take()
    {
        ObjectDisposedException.ThrowIf(_value is null, this);
        if (_isUnderWay)
            stream.Synchronize();
        _isUnderWay = false;
        return *_value;
    }

    public override void Dispose()
    {
        if (_isUnderWay && !stream.IsDisposed)
            stream.Synchronize();
        _isUnderWay = false;
        NativeMemory.Free(_value);
        _value = null;
    }
}
