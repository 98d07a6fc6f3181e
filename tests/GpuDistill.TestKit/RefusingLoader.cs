using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.TestKit;

/// <summary>Loads some kernels, which do nothing, and refuses the next, as a driver's compiler might.</summary>
/// <param name="count">How many it loads.</param>
internal sealed class RefusingLoader(int count) : IKernelLoader
{
    private int _loaded;

    public Action<AcceleratorStream, KernelConfig, TArguments> Load<TArguments>(Action<TArguments> kernel, int sharedBytes)
        where TArguments : struct
    {
        if (_loaded++ == count)
            throw new NotSupportedException($"Kernel {count} is refused.");
        return (_, _, _) => { };
    }
}
