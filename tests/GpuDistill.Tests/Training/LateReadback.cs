using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Tests.Training;

/// <summary>A readback as of a device that is far behind its host: the value is copied in order, and arrives when it is waited for.</summary>
/// <param name="stream">Where the copy goes.</param>
/// <param name="source">The value.</param>
/// <param name="begun">Told of each copy that begins.</param>
internal sealed class LateReadback<T>(AcceleratorStream stream, ArrayView<T> source, Action? begun = null) : Readback<T>
    where T : unmanaged
{
    private readonly T[] _value = new T[1];
    private bool _isUnderWay;

    public override bool HasArrived => !_isUnderWay;

    public override void Begin()
    {
        if (_isUnderWay)
            throw new InvalidOperationException("A copy is under way already.");
        source.CopyToCPU(stream, _value);
        _isUnderWay = true;
        begun?.Invoke();
    }

    public override T Take()
    {
        if (!_isUnderWay)
            throw new InvalidOperationException("No copy is under way.");
        _isUnderWay = false;
        return _value[0];
    }

    public override void Dispose()
    {
    }
}
