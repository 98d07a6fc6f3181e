using System.Text.RegularExpressions;
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
        foreach (CudaArchitecture architecture in KernelCode.Architectures(kernel))
        {
            MachineCode code = ptxas.Assemble(KernelCode.Ptx(kernel, architecture));
            Assert.Equal((0, 0), (code.Stack, code.Spills));
            Assert.InRange(code.Registers, 1, RegisterBudget.Table[kernel]);
            Assert.True(code.Count("EXIT") > 0, "no machine code");
            CheckWideAccesses(kernel, code);
            CheckProduct(kernel, code);
            CheckWarpGroups(kernel, code);
            Assert.Empty(code.Losses);
            foreach (string instruction in (string[])["LDL", "STL", "DADD", "DMUL", "DFMA", "DSETP"])
                Assert.True(code.Count(instruction) == 0, $"{instruction} in the code for {architecture}");
        }
    }

    // The CUDA products: panels by asynchronous copies of 16 bytes. On tensor cores 16 instructions for the 16 words of terms of a block of
    // 32 x 32, and matrix loads of operands in bf16 and of those in single precision whose terms are neighbours; exactly, loads of 16
    // bytes from shared memory and fused multiply-adds.
    private static void CheckProduct(string kernel, MachineCode code)
    {
        int blocks = kernel.Contains(nameof(HugeTile), StringComparison.Ordinal) ? 4
            : kernel.Contains(nameof(LargeTile), StringComparison.Ordinal) ? 2
            : 1;
        bool tf32 = kernel.Contains(nameof(Tf32Math), StringComparison.Ordinal);
        bool bf16 = kernel.Contains(nameof(BFloat16Math), StringComparison.Ordinal);
        bool exact = kernel.Contains("ExactSums", StringComparison.Ordinal);
        Assert.Equal(tf32 ? 16 * blocks : 0, code.Count("HMMA.1688.F32.TF32"));
        Assert.Equal(bf16 ? 16 * blocks : 0, code.Count("HMMA.16816.F32.BF16"));
        if (!tf32 && !bf16 && !exact)
            return;
        Assert.True(code.Count("LDGSTS.E.BYPASS.128") > 0, "no copies of 16 bytes");
        Assert.Equal(!exact && kernel.Contains("AlongTerms", StringComparison.Ordinal), code.Count("LDSM.16.M88.4") > 0);
        Assert.Equal(kernel.Contains(nameof(AcrossBFloat16), StringComparison.Ordinal), code.Count("LDSM.16.MT88.4") > 0);
        if (!exact)
            return;
        Assert.True(code.Count("LDS.128") > 0, "no loads of 16 bytes");
        Assert.InRange(code.Count("FFMA"), 128 * blocks, int.MaxValue);
    }

    // Warpgroups: the four products of a step, one group of them left under way while the next step is made ready, operands in the order
    // in which they lie, panels by asynchronous copies of 16 bytes, the sums stored two at a time.
    private static void CheckWarpGroups(string kernel, MachineCode code)
    {
        bool warpGroups = kernel.Contains(nameof(DenseForward.WarpGroupKernel), StringComparison.Ordinal);
        Assert.Equal(warpGroups ? 4 : 0, code.Count("HGMMA"));
        if (!warpGroups)
            return;
        Assert.Equal(4, Regex.Count(code.Code, @"HGMMA\.64x256x16\.F32\.BF16 "));
        string[] layouts = kernel.TrimEnd('>').Split(", ");
        bool acrossRight = layouts[^1].StartsWith(nameof(AcrossBFloat16), StringComparison.Ordinal);
        bool acrossLeft = kernel.StartsWith(nameof(DenseBackwardWeights), StringComparison.Ordinal)
            || layouts[^2].StartsWith(nameof(AcrossBFloat16), StringComparison.Ordinal);
        Assert.Equal(acrossLeft ? 4 : 0, Regex.Count(code.Code, @"HGMMA.*\.tnspA"));
        Assert.Equal(acrossRight ? 4 : 0, Regex.Count(code.Code, @"HGMMA.*\.tnspB"));
        Assert.Equal(1, Regex.Count(code.Code, @"WARPGROUP\.DEPBAR\.LE gsb0, 0x1"));
        Assert.True(code.Count("LDGSTS.E.BYPASS.128") > 0, "no copies of 16 bytes");
        Assert.Equal(64, code.Count("STS.64"));
    }

    // Rows of logits: student, teacher and gradient in one access each of 16 bytes, or of 8 for a quad of 16-bit elements. A softmax has
    // no teacher.
    private static void CheckWideAccesses(string kernel, MachineCode code)
    {
        int bits = kernel.Contains(nameof(WholeQuads), StringComparison.Ordinal) ? 128
            : kernel.Contains(nameof(WholeShorts<>), StringComparison.Ordinal) ? 64
            : kernel.Contains(nameof(DistillationLoss.CudaSlabKernel), StringComparison.Ordinal) ? 128
            : 0;
        if (bits == 0)
            return;
        int quads = Math.Max(1, QuadsOf(kernel));
        int inputs = kernel.StartsWith(nameof(TemperatureSoftmax), StringComparison.Ordinal) ? 1 : 2;
        Assert.InRange(code.Count($"LDG.E.{bits}"), inputs * quads, int.MaxValue);
        Assert.InRange(code.Count($"STG.E.{bits}"), quads, int.MaxValue);
    }

    // Of a thread's part of a row; 0 where the kernel has no row or one of any length.
    private static int QuadsOf(string kernel)
    {
        Type? row = KernelCatalog.All.Single(entry => entry.Name == kernel).Method.GetGenericArguments()
            .SingleOrDefault(type => type.GetInterfaces().Any(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(ILogitRow<>)));
        return row is null ? 0 : (int)row.GetProperty(nameof(StreamedRow.Quads))!.GetValue(Activator.CreateInstance(row))!;
    }
}
