using ILGPU;
using ILGPU.IR.Intrinsics;

namespace GpuDistill.Kernels;

/// <summary>Device code: the order of what groups do in global memory, beside atomics.</summary>
internal static class GroupFence
{
    /// <summary>
    /// Behind a barrier, and before an atomic of the group's first thread: what the group's threads did before the barrier is done for
    /// whoever sees the atomic's result and then passes this. Behind such an atomic, and before a barrier: what the others did is done for
    /// all threads of this group. All threads must call it: on OpenCL it is a barrier. On CUDA the first thread alone passes a fence, which
    /// empties the first-level cache of the multiprocessor each time.
    /// </summary>
    /// <param name="thread">The calling thread's number in its group.</param>
    [IntrinsicImplementation]
    public static void Pass(int thread) => MemoryFence.DeviceLevel();
}
