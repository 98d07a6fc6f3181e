using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>Makes kernels ready to be launched in another way than an accelerator's own.</summary>
internal interface IKernelLoader
{
    Action<AcceleratorStream, KernelConfig, TArguments> Load<TArguments>(Action<TArguments> kernel, int sharedBytes)
        where TArguments : struct;
}
