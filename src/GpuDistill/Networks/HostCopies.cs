using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>Copies between host arrays and device views, finished on return.</summary>
internal static class HostCopies
{
    public static T[] ToHost<T>(this ArrayView<T> view, DistillDevice device)
        where T : unmanaged
    {
        T[] values = new T[view.Length];
        if (values.Length > 0)
            view.CopyToCPU(device.Stream, values);
        device.Stream.Synchronize();
        return values;
    }

    public static void FromHost<T>(this ArrayView<T> view, DistillDevice device, T[] values)
        where T : unmanaged
    {
        if (values.Length != view.Length)
            throw new ArgumentException($"{values.Length} values for a buffer of {view.Length}.", nameof(values));
        if (values.Length > 0)
            view.CopyFromCPU(device.Stream, values);
        device.Stream.Synchronize();
    }
}
