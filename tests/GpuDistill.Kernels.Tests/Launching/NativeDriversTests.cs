using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

public class NativeDriversTests
{
    [Theory]
    [InlineData("OpenCL", "libOpenCL.so.1")]
    [InlineData("libOpenCL.so", "libOpenCL.so.1")]
    [InlineData("cuda", "libcuda.so.1")]
    [InlineData("libcuda.so", "libcuda.so.1")]
    [InlineData("libcublas.so", null)]
    public void Drivers_are_looked_for_by_their_versioned_names(string library, string? versioned) =>
        Assert.Equal(versioned, NativeDrivers.VersionedName(library));

    [Fact]
    public void Preparing_a_context_has_ILGPU_look_for_drivers_by_their_versioned_names()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "other systems' drivers have no versioned names");
        using Context context = Context.Create(builder => KernelContext.Prepare(builder, AcceleratorType.CPU));
        // An assembly takes one resolver: a second one is refused if the first is there.
        Assert.Throws<InvalidOperationException>(() => NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, (_, _, _) => 0));
    }
}
