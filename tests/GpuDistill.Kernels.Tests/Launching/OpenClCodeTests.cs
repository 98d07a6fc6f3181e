using GpuDistill.TestKit;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime.OpenCL;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>What is written in OpenCL C, and that sub-groups are there where they should be.</summary>
public class OpenClCodeTests
{
    // PoCL crashes on the probe with sub-groups; those of RowTeamTests it runs.
    public static TheoryData<string, KernelVariant> Devices =>
        [.. TestDevices.Variants.Where(row => row.Data.Item2 == KernelVariant.Portable)];

    public static TheoryData<string, KernelVariant> OpenCl => [.. Devices.Where(row => row.Data.Item1 == "opencl")];

    [Theory]
    [MemberData(nameof(Devices))]
    public void Threads_that_exchange_values_are_neighbours(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        int group = context.GroupSize(RowTeam.MaxGroupSize);
        using GuardedBuffer<int> sizes = new(context, group);
        using GuardedBuffer<int> wrong = new(context, group);
        using Launch size = context.BindKernel("size", SizeKernel, 1, group, sizes.View);
        using Launch probe = context.BindKernel("probe", SubGroup.ProbeKernel, 1, group, wrong.View);
        size.Run(context.Accelerator.DefaultStream);
        probe.Run(context.Accelerator.DefaultStream);
        int[] found = sizes.Read();
        Assert.All(found, each => Assert.Equal(found[0], each));
        Assert.True(int.IsPow2(found[0]));
        bool none = device == "opencl" && !OpenClCode.Suit(((CLAccelerator)context.Accelerator).Device);
        Assert.Equal(none, found[0] == 1);
        Assert.All(wrong.Read(), each => Assert.Equal(0, each));
    }

    // Those that PoCL cannot run with sub-groups among them: its front end compiles them all.
    [Theory]
    [MemberData(nameof(OpenCl))]
    public void Every_portable_kernel_builds_with_sub_groups(string device, KernelVariant variant)
    {
        CLAccelerator accelerator = (CLAccelerator)TestDevices.Get(device, variant).Accelerator;
        if (!OpenClCode.HasSubGroups(accelerator.Device))
            Assert.Skip("the device has no sub-groups");
        using OpenClCode code = new(accelerator, subGroups: true);
        HashSet<string> exchanging = [];
        foreach (KernelEntry entry in KernelCatalog.All.Where(entry => entry.Mark.Variant == KernelVariant.Portable))
        {
            CLCompiledKernel kernel = code.Compile(entry.Method);
            if (kernel.Source.Contains("sub_group_shuffle_xor", StringComparison.Ordinal))
                exchanging.Add(entry.Method.DeclaringType!.Name);
            Assert.Equal(entry.Name.Contains("Half", StringComparison.Ordinal), kernel.Source.Contains("_half", StringComparison.Ordinal));
            CLError error = CLKernel.LoadKernel(
                accelerator, kernel.Name, kernel.Source, kernel.CVersion, out nint program, out nint handle, out string? log);
            Assert.True(error == CLError.CL_SUCCESS, $"{entry.Name}: {error} {log}");
            CLException.ThrowIfFailed(CLAPI.CurrentAPI.ReleaseKernel(handle));
            CLException.ThrowIfFailed(CLAPI.CurrentAPI.ReleaseProgram(program));
        }

        Assert.Superset(new HashSet<string> { nameof(DistillationLoss), nameof(LogitMatching), nameof(TeacherMean), nameof(TemperatureSoftmax) }, exchanging);
    }

    [Theory]
    [MemberData(nameof(OpenCl))]
    public void No_kernel_has_sub_groups_where_they_are_not_used(string device, KernelVariant variant)
    {
        CLAccelerator accelerator = (CLAccelerator)TestDevices.Get(device, variant).Accelerator;
        using OpenClCode code = new(accelerator, subGroups: false);
        foreach (KernelEntry entry in KernelCatalog.All.Where(entry => entry.Mark.Variant == KernelVariant.Portable))
            Assert.DoesNotContain("sub_group", code.Compile(entry.Method).Source, StringComparison.Ordinal);
    }

    [KernelEntry]
    internal static void SizeKernel(ArrayView<int> sizes) => sizes[Group.IdxX] = SubGroup.Size;
}
