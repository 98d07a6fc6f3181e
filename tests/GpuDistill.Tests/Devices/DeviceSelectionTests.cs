using ILGPU.Runtime.CPU;
using Xunit;

namespace GpuDistill.Tests.Devices;

public class DeviceSelectionTests
{
    private static readonly DeviceCandidate Cpu = Fake("cpu", "cpu", gpu: false);
    private static readonly DeviceCandidate Cuda0 = Fake("cuda:0", "cuda", gpu: true);
    private static readonly DeviceCandidate Cuda1 = Fake("cuda:1", "cuda", gpu: true);
    private static readonly DeviceCandidate Pocl = Fake("opencl:0", "opencl", gpu: false);
    private static readonly DeviceCandidate Radeon = Fake("opencl:1", "opencl", gpu: true);

    [Fact]
    public void Auto_prefers_cuda_then_an_opencl_gpu_then_the_cpu()
    {
        Assert.Equal([Cuda0, Cuda1, Radeon, Cpu], Rank("auto", Radeon, Cpu, Pocl, Cuda0, Cuda1));
        Assert.Equal([Radeon, Cpu], Rank("auto", Cpu, Pocl, Radeon));
    }

    [Fact]
    public void Auto_never_takes_an_opencl_device_that_is_the_cpu() =>
        Assert.Equal([Cpu], Rank("auto", Pocl, Cpu));

    [Fact]
    public void Auto_looks_at_the_cpu_alone_for_a_cpu_variant() =>
        Assert.Equal([Cpu], DeviceSelection.Rank("auto", [Cuda0, Radeon, Cpu], cpuOnly: true));

    [Theory]
    [InlineData("cpu", "cpu")]
    [InlineData(" CPU ", "cpu")]
    [InlineData("cpu:0", "cpu")]
    [InlineData("cuda", "cuda:0")]
    [InlineData("CUDA:1", "cuda:1")]
    [InlineData("cuda:01", "cuda:1")]
    [InlineData("opencl", "opencl:1")]
    [InlineData("OpenCL:0", "opencl:0")]
    public void A_name_means_one_device(string name, string selector) =>
        Assert.Equal(selector, Assert.Single(Rank(name, Cuda0, Cuda1, Pocl, Radeon, Cpu)).Info.Selector);

    [Theory]
    [InlineData("cuda:2")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:")]
    [InlineData("cuda:x")]
    [InlineData("cuda:99999999999")]
    [InlineData("cpu:1")]
    [InlineData(":0")]
    [InlineData("")]
    [InlineData("gpu")]
    [InlineData("opencl")]
    public void A_name_that_is_not_there_is_told_what_is(string name)
    {
        DeviceNotFoundException exception = Assert.Throws<DeviceNotFoundException>(() => Rank(name, Cuda0, Cpu));
        Assert.Contains($"'{name}'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("cuda:0 (Fake cuda:0), cpu (Fake cpu)", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Fact]
    public void The_choice_says_why()
    {
        Assert.Equal("cpu (Fake cpu) was asked for by name.", Explain("CPU", Cpu, [Cpu]));
        Assert.Equal(
            "auto took cuda:0 (Fake cuda:0): CUDA comes before OpenCL and the CPU.", Explain("auto", Cuda0, [Cuda0, Radeon, Cpu]));
        Assert.Contains("no CUDA device, and an OpenCL GPU", Explain("auto", Radeon, [Radeon, Cpu]), StringComparison.Ordinal);
        Assert.Contains("OpenCL offers nothing faster", Explain("auto", Cpu, [Pocl, Cpu]), StringComparison.Ordinal);
        Assert.Contains("no CUDA device and no OpenCL GPU", Explain("auto", Cpu, [Cpu]), StringComparison.Ordinal);
    }

    [Fact]
    public void Auto_goes_on_when_a_driver_does_not_open_its_device()
    {
        DeviceCandidate broken = Cuda0 with { Create = _ => throw new DllNotFoundException("no\nlibrary") };
        DeviceCandidate cpu = Cpu with { Create = new CPUDevice(2, 1, 1).CreateAccelerator };
        using DistillDevice device = DistillDevice.Open("auto", Kernels.KernelVariant.Auto, 0, [broken, cpu]);
        Assert.Equal("cpu", device.Selector);
        Assert.Equal("auto took cpu (Fake cpu): cuda:0 (Fake cuda:0) does not open (no library).", device.Choice);

        InvalidOperationException exception = Assert.Throws<InvalidOperationException>(
            () => DistillDevice.Open("cuda", Kernels.KernelVariant.Auto, 0, [broken, cpu]));
        Assert.Equal("No device opened: cuda:0 (Fake cuda:0) does not open (no library).", exception.Message);
    }

    [Fact]
    public void A_number_of_threads_is_refused_where_it_would_be_ignored() =>
        Assert.Throws<NotSupportedException>(
            () => DistillDevice.Open("cuda", Kernels.KernelVariant.Auto, 2, [Cuda0, Cpu]));

    private static IReadOnlyList<DeviceCandidate> Rank(string name, params DeviceCandidate[] here) =>
        DeviceSelection.Rank(name, here, cpuOnly: false);

    private static string Explain(string name, DeviceCandidate taken, DeviceCandidate[] here) =>
        DeviceSelection.Explain(name, taken.Info, here, cpuOnly: false, []);

    private static DeviceCandidate Fake(string selector, string kind, bool gpu) => new(
        new DeviceInfo(selector, kind, $"Fake {selector}", 1 << 30, "a fake"),
        gpu,
        _ => throw new InvalidOperationException("A fake does not open."));
}
