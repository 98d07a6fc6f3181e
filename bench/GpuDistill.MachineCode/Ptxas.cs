using System.Diagnostics;
using System.Text.RegularExpressions;

namespace GpuDistill.MachineCode;

/// <summary>NVIDIA's assembler and disassembler, where <c>eng/get-ptxas</c> has put them.</summary>
internal sealed partial class Ptxas
{
    public const string FolderVariable = "GPUDISTILL_CUDA_TOOLS";

    private readonly string _folder;

    private Ptxas(string folder) => _folder = folder;

    /// <summary>The tools, or null where they are not at hand.</summary>
    public static Ptxas? Find()
    {
        string cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set
            ? set
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        string folder = Environment.GetEnvironmentVariable(FolderVariable) ?? Path.Combine(cache, "gpudistill", "cuda");
        return File.Exists(Path.Combine(folder, "ptxas")) && File.Exists(Path.Combine(folder, "nvdisasm")) ? new Ptxas(folder) : null;
    }

    /// <summary>Assembles one kernel for the target that it names.</summary>
    /// <exception cref="InvalidOperationException">ptxas refuses the code; the message is its own.</exception>
    public MachineCode Assemble(string ptx)
    {
        string folder = Directory.CreateTempSubdirectory("gpudistill-ptx-").FullName;
        try
        {
            string source = Path.Combine(folder, "kernel.ptx");
            string target = Path.Combine(folder, "kernel.cubin");
            File.WriteAllText(source, ptx);
            string report = Run("ptxas", "-v", $"-arch={Target().Match(ptx).Groups[1].Value}", source, "-o", target);
            return new MachineCode(
                Number(Registers(), report),
                Number(Shared(), report),
                Number(Stack(), report),
                Number(SpillStores(), report) + Number(SpillLoads(), report),
                [.. report.Split('\n').Where(line => line.Contains("Performance Loss", StringComparison.Ordinal))],
                Run("nvdisasm", "--print-code", target));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Number(Regex pattern, string report) =>
        pattern.Match(report) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan) : 0;

    private string Run(string tool, params string[] arguments)
    {
        ProcessStartInfo start = new(Path.Combine(_folder, tool), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{tool} failed: {output}");
    }

    [GeneratedRegex(@"^\.target (\w+)", RegexOptions.Multiline)]
    private static partial Regex Target();

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Registers();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex Shared();

    [GeneratedRegex(@"(\d+) bytes stack frame")]
    private static partial Regex Stack();

    [GeneratedRegex(@"(\d+) bytes spill stores")]
    private static partial Regex SpillStores();

    [GeneratedRegex(@"(\d+) bytes spill loads")]
    private static partial Regex SpillLoads();
}

/// <summary>What ptxas made of a kernel.</summary>
/// <param name="Registers">Registers per thread.</param>
/// <param name="Shared">Bytes of shared memory per group.</param>
/// <param name="Stack">Bytes of stack per thread.</param>
/// <param name="Spills">Bytes of registers that go to memory and come back.</param>
/// <param name="Losses">What ptxas says makes the code slow, such as products of warpgroups that wait for each other.</param>
/// <param name="Code">The machine code as text.</param>
internal sealed record MachineCode(int Registers, int Shared, int Stack, int Spills, IReadOnlyList<string> Losses, string Code)
{
    /// <summary>Instructions whose name begins so, such as <c>LDG.E.128</c>.</summary>
    public int Count(string instruction) => Regex.Count(Code, $@"(?<=[\s]){Regex.Escape(instruction)}(?=[\s.;])");
}
