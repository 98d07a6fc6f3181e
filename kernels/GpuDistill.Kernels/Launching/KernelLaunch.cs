using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>A launch of one explicitly grouped ILGPU kernel whose whole argument list is one struct.</summary>
/// <param name="operation">The operation's name.</param>
/// <param name="variant">The variant that the kernel belongs to.</param>
/// <param name="kernel">The loaded kernel.</param>
/// <param name="config">The launch geometry.</param>
/// <param name="arguments">The argument list.</param>
/// <param name="gate">
/// Held while the kernel is submitted, or null. An OpenCL kernel object keeps the arguments of its next launch, so two threads that
/// submit the same kernel would take each other's.
/// </param>
internal sealed class KernelLaunch<TArguments>(
    string operation,
    KernelVariant variant,
    Action<AcceleratorStream, KernelConfig, TArguments> kernel,
    KernelConfig config,
    TArguments arguments,
    object? gate) : Launch(operation, variant)
    where TArguments : struct
{
    private protected override void Submit(AcceleratorStream stream)
    {
        if (gate is null)
        {
            kernel(stream, config, arguments);
            return;
        }

        lock (gate)
            kernel(stream, config, arguments);
    }
}
