using System.Text.RegularExpressions;
using GpuDistill.Kernels;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace GpuDistill.MachineCode.Tests;

/// <summary>Every kernel compiles for every architecture, to code that is what it should be.</summary>
public class PtxTests
{
    public static TheoryData<string> WarpGroupKernels => [.. KernelCatalog.All.Where(entry => entry.Mark.NeedsWarpGroups).Select(entry => entry.Name)];

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
            string feature = kernel.Contains(nameof(DenseForward.WarpGroupKernel), StringComparison.Ordinal) ? "a" : "";
            Assert.Contains($".target {PtxSource.NameOf(architecture)}{feature}\n", ptx.ReplaceLineEndings("\n"), StringComparison.Ordinal);
            Assert.DoesNotContain(".f64", ptx, StringComparison.Ordinal);
            Assert.DoesNotContain(".local", ptx, StringComparison.Ordinal);
            Assert.DoesNotContain("bra.uni", ptx, StringComparison.Ordinal);
            // Memory is global or shared by name: an address that could be either costs a look-up.
            Assert.Empty(Regex.Matches(ptx, @"\b(ld|st)(\.volatile)?(\.v[24])?\.[bfsu](8|16|32|64)\b").Select(match => match.Value));
        }
    }

    [Theory]
    [MemberData(nameof(WarpGroupKernels))]
    public void What_threads_copied_is_shown_to_products_before_the_barrier_that_these_wait_at(string kernel)
    {
        string[] order = ["cp.async.wait_group", "fence.proxy.async", "bar.sync", "wgmma.fence", "wgmma.mma_async", "wgmma.commit_group"];
        string ptx = KernelCode.Ptx(kernel, WarpGroup.Architecture);
        IEnumerable<string> found = Regex.Matches(ptx, string.Join('|', order.Select(Regex.Escape))).Select(match => match.Value);
        // The loop's, up to its first product.
        Assert.Equal(order[..5], found.SkipWhile(name => name != order[0]).Take(5));
        Assert.Equal(1, Regex.Count(ptx, Regex.Escape(order[0])));
        Assert.Equal(4, Regex.Count(ptx, Regex.Escape(order[4])));
    }

    [Fact]
    public void Every_kernel_has_a_budget_of_registers_and_every_budget_a_kernel() =>
        Assert.Equal(KernelCatalog.All.Select(entry => entry.Name).Order(), RegisterBudget.Table.Keys.Order());
}
