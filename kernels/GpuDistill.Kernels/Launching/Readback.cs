using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace GpuDistill.Kernels;

/// <summary>
/// Copies one value from the device to the host in stream order, without waiting for what was submitted before. One copy is
/// under way at a time; the next may begin once the value was taken.
/// </summary>
internal abstract class Readback<T> : IDisposable
    where T : unmanaged
{
    /// <summary>Whether <see cref="Take"/> would return at once; false also where the device does not say.</summary>
    public abstract bool HasArrived { get; }

    /// <summary>What suits the device: a page-locked copy with an event on CUDA, and on the CPU, where all is done on return, the value.</summary>
    /// <param name="stream">Where the work goes that the value comes from.</param>
    /// <param name="source">The value on the device, [1].</param>
    public static Readback<T> Of(AcceleratorStream stream, ArrayView<T> source)
    {
        Check.Length(source, 1, "one value");
        return stream switch
        {
            CudaStream cuda => new CudaReadback<T>(cuda, source),
            CLStream openCl => new OpenClReadback<T>(openCl, source),
            _ => new SynchronousReadback<T>(stream, source),
        };
    }

    /// <summary>Submits the copy of the value as all work submitted before leaves it.</summary>
    public abstract void Begin();

    /// <summary>The value, as soon as it has arrived.</summary>
    public abstract T Take();

    /// <summary>Frees what the copy goes through, after a copy that is still under way.</summary>
    public abstract void Dispose();
}

/// <summary>For a device whose work is done when its submission returns: the CPU accelerator.</summary>
internal sealed class SynchronousReadback<T>(AcceleratorStream stream, ArrayView<T> source) : Readback<T>
    where T : unmanaged
{
    private readonly T[] _value = new T[1];

    public override bool HasArrived => true;

    public override void Begin() => source.CopyToCPU(stream, _value);

    public override T Take() => _value[0];

    public override void Dispose()
    {
    }
}
