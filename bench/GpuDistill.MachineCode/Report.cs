using System.Text;
using GpuDistill.Kernels;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.MachineCode;

/// <summary>The committed table of what ptxas makes of every kernel.</summary>
internal static class Report
{
    public static string Of(CudaArchitecture architecture, Ptxas ptxas)
    {
        StringBuilder text = new();
        text.AppendLine($"# Machine code of the kernels for {PtxSource.NameOf(architecture)}");
        text.AppendLine();
        text.AppendLine($"Written by `bench/GpuDistill.MachineCode` with ptxas 12.4; nothing here was run on a GPU. Threads: the");
        text.AppendLine("largest group. Occupancy: resident warps of the most that a multiprocessor holds, predicted from registers and");
        text.AppendLine("shared memory, static and dynamic. Wide: loads and stores of global memory of 128 and of 64 bits in the code, of all of them; copies to");
        text.AppendLine("shared memory count among them. HMMA: instructions of the tensor cores, of warps or, as HGMMA, of warpgroups.");
        if (KernelCatalog.All.Any(kernel => !kernel.RunsOn(architecture)))
            text.AppendLine("Kernels with instructions of other architectures (tensor cores and asynchronous copies; sm_90a's warpgroups) are not in the table.");
        text.AppendLine();
        text.AppendLine("| kernel | threads | registers | shared bytes | spilled bytes | occupancy | wide | HMMA |");
        text.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        PtxSource source = new(architecture);
        foreach (KernelEntry kernel in KernelCatalog.All.Where(kernel => kernel.RunsOn(architecture)))
        {
            MachineCode code = ptxas.Assemble(source.Compile(kernel));
            int shared = code.Shared + kernel.DynamicSharedBytes;
            int wide = code.Count("LDG.E.128") + code.Count("STG.E.128") + code.Count("LDGSTS.E.BYPASS.128");
            int half = code.Count("LDG.E.64") + code.Count("STG.E.64");
            int all = code.Count("LDG") + code.Count("STG") + code.Count("LDGSTS");
            text.AppendLine(
                $"| {kernel.Name} | {kernel.GroupSize} | {code.Registers} | {shared} | {code.Spills} "
                + $"| {Occupancy.Of(architecture, code.Registers, shared, kernel.GroupSize):P0} | {wide} + {half} of {all} | {code.Count("HMMA") + code.Count("HGMMA")} |");
        }

        return text.ToString();
    }
}
