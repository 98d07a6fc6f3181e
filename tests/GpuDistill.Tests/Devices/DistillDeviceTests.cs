using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Tests.Devices;

public class DistillDeviceTests
{
    [Fact]
    public void The_cpu_is_always_listed_and_every_selector_is_its_own()
    {
        IReadOnlyList<DeviceInfo> devices = DistillDevice.List();
        DeviceInfo cpu = Assert.Single(devices, device => device.Kind == "cpu");
        Assert.Equal("cpu", cpu.Selector);
        Assert.True(cpu.Memory > 0);
        Assert.NotEmpty(cpu.Name);
        Assert.Contains("portable", cpu.Details, StringComparison.Ordinal);
        Assert.Equal(devices.Count, devices.Select(device => device.Selector).Distinct().Count());
    }

    [Fact]
    public void Every_listed_device_opens_and_computes()
    {
        foreach (DeviceInfo info in DistillDevice.List())
        {
            using DistillDevice device = DistillDevice.Open(info.Selector);
            Assert.Equal((info.Kind, info.Name, info.Selector), (device.Kind, device.Name, device.Selector));
            using MemoryBuffer1D<float, Stride1D.Dense> buffer = device.Accelerator.Allocate1D<float>(2);
            buffer.View.CopyFromCPU(device.Stream, [0f, 0f]);
            Matrix<float> matrix = new(buffer.View, 1, 2);
            TemperatureSoftmax.Bind(device.Kernels, matrix, matrix).Run(device.Stream);
            float[] result = new float[2];
            buffer.View.CopyToCPU(device.Stream, result);
            device.Stream.Synchronize();
            Assert.Equal([0.5f, 0.5f], result);
        }
    }

    [Fact]
    public void The_cpu_opens_with_two_lanes_and_the_threads_asked_for()
    {
        using DistillDevice device = DistillDevice.Open("cpu", KernelVariant.Portable, threads: 3);
        Assert.Equal(2, device.Accelerator.MaxNumThreadsPerGroup);
        Assert.Equal(3, device.Kernels.Threads);
        Assert.Equal(KernelVariant.Portable, device.Kernels.Variant);
    }

    [Fact]
    public void Two_devices_can_be_open_at_a_time_and_one_outlives_the_other()
    {
        using DistillDevice first = DistillDevice.Open("cpu");
        using (DistillDevice second = DistillDevice.Open("cpu"))
            Assert.NotSame(first.Accelerator, second.Accelerator);
        first.Stream.Synchronize();
    }

    [Fact]
    public void A_device_without_tensor_cores_refuses_TF32_in_one_line()
    {
        NotSupportedException none = Assert.Throws<NotSupportedException>(() => DistillDevice.Open("cpu", precision: MatrixPrecision.Tf32));
        Assert.EndsWith(
            "has no tensor cores for products in Tf32; they need CUDA and compute capability 8.0 or newer.", none.Message, StringComparison.Ordinal);
        NotSupportedException forced = Assert.Throws<NotSupportedException>(
            () => DistillDevice.Open("cpu", KernelVariant.Portable, precision: MatrixPrecision.Tf32));
        Assert.Equal("The variant Portable has no products in Tf32; Cuda has.", forced.Message);
        using DistillDevice exact = DistillDevice.Open("cpu");
        Assert.Equal(MatrixPrecision.Exact, exact.Kernels.Precision);
    }

    [Fact]
    public void Every_device_and_variant_has_products_in_bf16()
    {
        foreach (DeviceInfo info in DistillDevice.List())
        {
            using DistillDevice device = DistillDevice.Open(info.Selector, precision: MatrixPrecision.BFloat16);
            Assert.Equal(MatrixPrecision.BFloat16, device.Kernels.Precision);
            Assert.True(device.Kind == "cuda" || !device.Kernels.HasTensorCores);
        }

        DistillDevice.Open("cpu", KernelVariant.Portable, precision: MatrixPrecision.BFloat16).Dispose();
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        Assert.Throws<ArgumentNullException>(() => DistillDevice.Open(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => DistillDevice.Open("cpu", threads: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => DistillDevice.Open("cpu", threads: KernelContext.MaxThreads + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => DistillDevice.Open("cpu", (KernelVariant)99));
        Assert.Throws<ArgumentOutOfRangeException>(() => DistillDevice.Open("cpu", precision: (MatrixPrecision)9));
        Assert.Throws<DeviceNotFoundException>(() => DistillDevice.Open("cuda:4096"));
    }

    [Fact]
    public void A_backend_that_fails_costs_only_its_own_devices() =>
        Assert.Empty(DeviceCatalog.Guarded(() => throw new TypeInitializationException("CUDA", null)));
}
