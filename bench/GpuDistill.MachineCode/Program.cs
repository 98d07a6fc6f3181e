using GpuDistill.Kernels;
using GpuDistill.MachineCode;
using ILGPU.Runtime.Cuda;

// What the CUDA kernels become, without a GPU:
//   dotnet run -c Release --project bench/GpuDistill.MachineCode -- bench/results/ptx       writes <architecture>.md there
//   dotnet run -c Release --project bench/GpuDistill.MachineCode -- --code AdamW.Kernel     prints one kernel's code for sm_90
if (Ptxas.Find() is not { } ptxas)
{
    Console.Error.WriteLine("ptxas is not at hand; eng/get-ptxas fetches it.");
    return 1;
}

if (args is ["--code", string name] && KernelCatalog.All.FirstOrDefault(entry => entry.Name == name) is { } kernel)
{
    PtxSource source = new(CudaArchitecture.SM_90);
    string ptx = source.Compile(kernel);
    Console.WriteLine(ptx);
    MachineCode code = ptxas.Assemble(ptx);
    foreach (string loss in code.Losses)
        Console.WriteLine(loss);
    Console.WriteLine(code.Code);
    return 0;
}

if (args is not [string folder])
{
    Console.Error.WriteLine("Name a folder to write tables to, or --code and one of:");
    foreach (KernelEntry entry in KernelCatalog.All)
        Console.Error.WriteLine($"  {entry.Name}");
    return 2;
}

Directory.CreateDirectory(folder);
foreach (CudaArchitecture architecture in PtxSource.Architectures)
{
    string file = Path.Combine(folder, $"{PtxSource.NameOf(architecture)}.md");
    File.WriteAllText(file, Report.Of(architecture, ptxas).ReplaceLineEndings("\n"));
    Console.WriteLine(file);
}

return 0;
