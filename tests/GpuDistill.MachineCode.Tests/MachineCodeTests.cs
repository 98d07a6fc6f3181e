using GpuDistill.Kernels;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace GpuDistill.MachineCode.Tests;

/// <summary>What ptxas makes of the kernels, where eng/get-ptxas has put it at hand.</summary>
public class MachineCodeTests
{
    public static TheoryData<string> Kernels => [.. KernelCatalog.All.Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_kernel_stays_in_registers_within_its_budget_and_in_single_precision(string kernel)
    {
        Ptxas? ptxas = Ptxas.Find();
        if (ptxas is null)
            Assert.Skip("ptxas is not at hand; eng/get-ptxas fetches it");
        foreach (CudaArchitecture architecture in PtxSource.Architectures)
        {
            MachineCode code = ptxas.Assemble(KernelCode.Ptx(kernel, architecture), architecture);
            Assert.Equal((0, 0), (code.Stack, code.Spills));
            Assert.InRange(code.Registers, 1, RegisterBudget.Table[kernel]);
            Assert.True(code.Count("EXIT") > 0, "no machine code");
            foreach (string instruction in (string[])["LDL", "STL", "DADD", "DMUL", "DFMA", "DSETP"])
                Assert.True(code.Count(instruction) == 0, $"{instruction} in the code for {architecture}");
        }
    }
}
