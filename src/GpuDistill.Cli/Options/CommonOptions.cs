using System.CommandLine;
using GpuDistill.Kernels;

namespace GpuDistill.Cli;

/// <summary>The device, and how the result is written.</summary>
internal sealed class CommonOptions
{
    public Option<string?> Device { get; } = OptionFactory.Text(
        "--device", "NAME", "auto, cpu, cuda, cuda:N, opencl or opencl:N. auto takes CUDA, else an OpenCL GPU, else the CPU. [default: auto]");

    public Option<string> Variant { get; } = OptionFactory.Choice(
        "--variant", "KIND", "Kernels to use, where auto takes the fastest that the device runs", "auto",
        [.. Enum.GetNames<KernelVariant>().Select(name => name.ToLowerInvariant())]);

    public Option<int?> Threads { get; } = OptionFactory.OptionalNumber<int>(
        "--threads", "N", "Worker threads, on the CPU only; without it, one per logical processor.",
        n => n >= 1 && n <= KernelContext.MaxThreads, $"a whole number from 1 to {KernelContext.MaxThreads}");

    public Option<string> Precision { get; } = OptionFactory.Choice(
        "--precision", "KIND",
        "Matrix products: of single precision, exactly or in TF32 on the tensor cores of CUDA GPUs, or of weights and activations in bf16 "
        + "(mixed precision; where there are no tensor cores it runs and is slower than exact)",
        "exact",
        [.. Enum.GetValues<MatrixPrecision>().Select(WordOf)]);

    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Write the result as JSON, alone, to standard output; progress goes to standard error.",
    };

    public CommonOptions AddTo(Command command)
    {
        command.Add(Device);
        command.Add(Variant);
        command.Add(Threads);
        command.Add(Precision);
        command.Add(Json);
        return this;
    }

    /// <summary>A precision as the option spells it.</summary>
    public static string WordOf(MatrixPrecision precision) =>
        precision == MatrixPrecision.BFloat16 ? "bf16" : precision.ToString().ToLowerInvariant();

    public CommandOutput Output(ParseResult parsed, Session session) => new(session.Terminal, parsed.GetValue(Json));

    /// <summary>Opens the device; what it cannot do is told by the option that asked for it.</summary>
    public DistillDevice Open(ParseResult parsed)
    {
        string name = parsed.GetValue(Device) ?? "auto";
        KernelVariant variant = Enum.Parse<KernelVariant>(parsed.GetRequiredValue(Variant), ignoreCase: true);
        MatrixPrecision precision = Enum.GetValues<MatrixPrecision>().Single(value => WordOf(value) == parsed.GetRequiredValue(Precision));
        try
        {
            return DistillDevice.Open(name, variant, parsed.GetValue(Threads) ?? 0, precision);
        }
        catch (NotSupportedException exception)
        {
            using DistillDevice device = DistillDevice.Open(name);
            if (!device.Kernels.Supports(variant))
            {
                string[] possible = [.. Enum.GetValues<KernelVariant>().Where(device.Kernels.Supports).Select(kind => kind.ToString().ToLowerInvariant())];
                throw new InputException($"--variant {parsed.GetValue(Variant)}: {device.Info} cannot run it; it can {OptionFactory.Listed(possible)}.");
            }

            if (precision == MatrixPrecision.Tf32)
                throw new InputException($"--precision {parsed.GetValue(Precision)}: {device.Info} has no tensor cores for it; it can exact or bf16.");
            throw new InputException($"--threads: {exception.Message}");
        }
    }
}
