using GpuDistill.TestKit;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>What is written in OpenCL C, and that sub-groups are there where they should be.</summary>
public class OpenClCodeTests
{
    public static TheoryData<string, KernelVariant> Devices =>
        [.. TestDevices.VariantsWithSubGroups.Where(row => row.Data.Item2 == KernelVariant.Portable), .. TestDevices.SubGroupsAlone];

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
        if (device == "opencl-32")
            Assert.Equal(OpenClCode.EmulatedSize, found[0]);
        Assert.All(wrong.Read(), each => Assert.Equal(0, each));
    }

    // Those that PoCL 6 cannot run with sub-groups among them: its front end compiles them all.
    [Theory]
    [MemberData(nameof(OpenCl))]
    public void Every_portable_kernel_builds_with_sub_groups(string device, KernelVariant variant)
    {
        CLAccelerator accelerator = (CLAccelerator)TestDevices.Get(device, variant).Accelerator;
        if (!OpenClCode.HasSubGroups(accelerator.Device))
            Assert.Skip("the device has no sub-groups");
        using OpenClCode code = new(accelerator, OpenClSubGroups.Own);
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
        using OpenClCode code = new(accelerator, OpenClSubGroups.None);
        foreach (KernelEntry entry in KernelCatalog.All.Where(entry => entry.Mark.Variant == KernelVariant.Portable))
            Assert.DoesNotContain("sub_group", code.Compile(entry.Method).Source, StringComparison.Ordinal);
    }

    // What a thread wrote to local memory, the others need not see behind a barrier without a fence for it.
    [Theory]
    [MemberData(nameof(OpenCl))]
    public void Every_barrier_has_a_fence_for_local_memory(string device, KernelVariant variant)
    {
        CLAccelerator accelerator = (CLAccelerator)TestDevices.Get(device, variant).Accelerator;
        using OpenClCode code = new(accelerator, OpenClSubGroups.None);
        int barriers = 0;
        foreach (KernelEntry entry in KernelCatalog.All.Where(entry => entry.Mark.Variant == KernelVariant.Portable))
        {
            foreach (string line in code.Compile(entry.Method).Source.Split('\n').Where(line => line.Contains("barrier", StringComparison.Ordinal)))
            {
                Assert.Contains("CLK_LOCAL_MEM_FENCE", line, StringComparison.Ordinal);
                barriers++;
            }
        }

        Assert.NotEqual(0, barriers);
    }

    [Theory]
    [MemberData(nameof(OpenCl))]
    public void Contexts_of_one_accelerator_share_its_kernels(string device, KernelVariant variant)
    {
        CLAccelerator accelerator = (CLAccelerator)TestDevices.Get(device, variant).Accelerator;
        Assert.Same(OpenClCode.For(accelerator), OpenClCode.For(accelerator));
        using KernelContext first = new(accelerator);
        Action<AcceleratorStream, KernelConfig, ArrayView<int>> launcher = first.Load<ArrayView<int>>(SizeKernel);
        first.Dispose();
        using KernelContext second = new(accelerator);
        Assert.Same(launcher, second.Load<ArrayView<int>>(SizeKernel));
    }

    // The group's size is read because PoCL 6 crashes on a kernel that reads that of its sub-groups and not that one.
    [KernelEntry]
    internal static void SizeKernel(ArrayView<int> sizes) => sizes[Group.IdxX] = IntrinsicMath.Min(SubGroup.Size, Group.DimX);
}
