using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>A device that was found, and how to open it.</summary>
/// <param name="Info">What is told of it.</param>
/// <param name="IsGpu">False for the CPU and for an OpenCL device that is itself the CPU (PoCL) or an accelerator card.</param>
/// <param name="Create">Opens it in an ILGPU context.</param>
internal sealed record DeviceCandidate(DeviceInfo Info, bool IsGpu, Func<Context, Accelerator> Create);
