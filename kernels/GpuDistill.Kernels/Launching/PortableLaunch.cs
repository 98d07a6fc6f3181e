using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>A launch of one explicitly grouped ILGPU kernel whose whole argument list is one struct.</summary>
internal sealed class PortableLaunch<TArguments>(
    string operation,
    Action<AcceleratorStream, KernelConfig, TArguments> kernel,
    KernelConfig config,
    TArguments arguments) : Launch(operation, KernelVariant.Portable)
    where TArguments : struct
{
    private protected override void Submit(AcceleratorStream stream) => kernel(stream, config, arguments);
}
