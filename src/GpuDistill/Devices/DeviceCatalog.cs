using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using GpuDistill.Kernels;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace GpuDistill;

/// <summary>
/// What this machine has. Each backend is asked on its own: a missing or broken driver costs that backend's devices and
/// nothing else.
/// </summary>
internal static class DeviceCatalog
{
    /// <summary>All devices: CUDA, then OpenCL in the drivers' order, then the CPU.</summary>
    public static IReadOnlyList<DeviceCandidate> Find()
    {
        NativeDrivers.Prepare();
        return [.. Guarded(Cuda), .. Guarded(OpenCl), Cpu()];
    }

    // Driver libraries fail in every way there is: absent, wrong version, no permission, errors of their own.
    [SuppressMessage("Design", "CA1031", Justification = "A backend that cannot even list its devices has none.")]
    internal static IReadOnlyList<DeviceCandidate> Guarded(Func<IReadOnlyList<DeviceCandidate>> backend)
    {
        try
        {
            return backend();
        }
        catch (Exception)
        {
            return [];
        }
    }

    private static DeviceCandidate[] Cuda() =>
        [.. CudaDevice.GetDevices(_ => true).OfType<CudaDevice>().Select((device, index) => new DeviceCandidate(
            new DeviceInfo(
                $"cuda:{index}",
                "cuda",
                device.Name,
                device.MemorySize,
                $"compute capability {device.Architecture?.Major}.{device.Architecture?.Minor}, "
                + $"{device.NumMultiprocessors} multiprocessors, driver for CUDA {device.DriverVersion.Major}.{device.DriverVersion.Minor}"),
            IsGpu: true,
            device.CreateAccelerator))];

    private static DeviceCandidate[] OpenCl() =>
        [.. CLDevice.GetDevices(_ => true).OfType<CLDevice>().Select((device, index) => new DeviceCandidate(
            new DeviceInfo(
                $"opencl:{index}",
                "opencl",
                device.Name.Trim(),
                device.MemorySize,
                $"{TypeName(device.DeviceType)}, {device.PlatformName.Trim()}, OpenCL {device.DeviceVersion.Major}.{device.DeviceVersion.Minor}, "
                + $"{device.NumMultiprocessors} compute units, reductions in {(OpenClCode.Suit(device) ? "sub-groups" : "local memory")}"),
            device.DeviceType.HasFlag(CLDeviceType.CL_DEVICE_TYPE_GPU),
            device.CreateAccelerator))];

    // Two lanes, the fewest that ILGPU allows: its CPU accelerator runs each lane on a thread of its own, and handing
    // work to the default device's 16 costs ten times as much per launch. The SIMD variants do not use lanes at all.
    private static DeviceCandidate Cpu()
    {
        string variants = string.Join(", ", Enum.GetValues<KernelVariant>()
            .Where(SimdSupport.Has).OrderDescending().Append(KernelVariant.Portable).Distinct()
            .Select(variant => variant.ToString().ToLowerInvariant())); // as the command's option spells them
        return new DeviceCandidate(
            new DeviceInfo(
                "cpu",
                "cpu",
                ProcessorName(),
                GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
                $"{Environment.ProcessorCount} logical processors, {variants}"),
            IsGpu: false,
            new CPUDevice(2, 1, 1).CreateAccelerator);
    }

    private static string TypeName(CLDeviceType type) =>
        type.HasFlag(CLDeviceType.CL_DEVICE_TYPE_GPU) ? "GPU"
        : type.HasFlag(CLDeviceType.CL_DEVICE_TYPE_CPU) ? "CPU"
        : "accelerator";

    private static string ProcessorName()
    {
        const string Information = "/proc/cpuinfo";
        string? name = null;
        if (File.Exists(Information))
        {
            name = File.ReadLines(Information)
                .Where(line => line.StartsWith("model name", StringComparison.Ordinal))
                .Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim())
                .FirstOrDefault();
        }

        name ??= Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
        return string.IsNullOrWhiteSpace(name) ? $"{RuntimeInformation.ProcessArchitecture} processor" : name;
    }
}
