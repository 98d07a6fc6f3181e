using System.Text.RegularExpressions;
using GpuDistill.Kernels;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace GpuDistill.MachineCode.Tests;

/// <summary>Every kernel compiles for every architecture, to code that is what it should be.</summary>
public class PtxTests
{
    public static TheoryData<string> Kernels => [.. KernelCatalog.All.Select(entry => entry.Name)];

    [Fact]
    public void ILGPU_is_the_version_whose_internals_are_known()
    {
        Assert.True(
            PtxCode.IsKnown,
            $"{nameof(PtxCode)} is about ILGPU {PtxCode.KnownVersion}, and this is another version, which is used as it comes. Find out "
            + "whether it still marks divergent branches uniform at O2 and clamps the target to sm_80, and whether the accessors fit.");
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_kernel_compiles_to_single_precision_code_without_local_memory(string kernel)
    {
        foreach (CudaArchitecture architecture in KernelCode.Architectures(kernel))
        {
            string ptx = KernelCode.Ptx(kernel, architecture);
            Assert.Contains($".target {PtxSource.NameOf(architecture)}\n", ptx.ReplaceLineEndings("\n"), StringComparison.Ordinal);
            Assert.DoesNotContain(".f64", ptx, StringComparison.Ordinal);
            Assert.DoesNotContain(".local", ptx, StringComparison.Ordinal);
            Assert.DoesNotContain("bra.uni", ptx, StringComparison.Ordinal);
            // Memory is global or shared by name: an address that could be either costs a look-up.
            Assert.Empty(Regex.Matches(ptx, @"\b(ld|st)(\.volatile)?(\.v[24])?\.[bfsu](8|16|32|64)\b").Select(match => match.Value));
        }
    }

    [Fact]
    public void Every_kernel_has_a_budget_of_registers_and_every_budget_a_kernel() =>
        Assert.Equal(KernelCatalog.All.Select(entry => entry.Name).Order(), RegisterBudget.Table.Keys.Order());
}
