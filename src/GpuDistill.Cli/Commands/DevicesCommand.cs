using System.CommandLine;
using GpuDistill.Kernels;
using Spectre.Console;

namespace GpuDistill.Cli;

/// <summary>gpudistill devices</summary>
internal static class DevicesCommand
{
    private const string FileName = "devices.json";

    public static Command Create(Session session)
    {
        Command command = new("devices", "List the devices and say which one --device takes and why.");
        CommonOptions common = new CommonOptions().AddTo(command);
        OutputOption output = new OutputOption(FileName, required: false, new OutputFiles(FileName)).AddTo(command);
        command.SetAction(parsed => Run(common.Output(parsed, session), common, output, parsed));
        return command;
    }

    private static int Run(CommandOutput console, CommonOptions common, OutputOption output, ParseResult parsed)
    {
        using OutputDirectory? directory = output.Open(parsed);
        IReadOnlyList<DeviceInfo> devices = DistillDevice.List();
        using DistillDevice taken = common.Open(parsed);
        Table table = new Table().RoundedBorder().AddColumns("Device", "Name", "Memory", "Details");
        foreach (DeviceInfo device in devices)
        {
            string name = Markup.Escape(device.Selector);
            table.AddRow(
                device.Selector == taken.Selector ? $"[bold green]{name}[/]" : name,
                Markup.Escape(device.Name),
                Markup.Escape(Units.Bytes(device.Memory)),
                Markup.Escape(device.Details));
        }

        console.Show(table);
        console.Conclude(taken.Choice);
        KernelVariant variant = taken.Kernels.Variant != KernelVariant.Auto
            ? taken.Kernels.Variant
            : Enum.GetValues<KernelVariant>().Where(taken.Kernels.Supports).Max(); // in ascending order of speed
        int threads = taken.Kernels.Threads;
        string workers = threads > 0 ? $", on {Units.Counted(threads, "worker thread")}" : "";
        console.Conclude($"Kernels: {variant.ToString().ToLowerInvariant()}{workers}.");
        MatrixPrecision precision = taken.Kernels.Precision;
        string cores = precision == MatrixPrecision.Exact ? ""
            : taken.Kernels.HasTensorCores && (taken.Kernels.Variant is KernelVariant.Auto or KernelVariant.Cuda) ? ", on tensor cores"
            : ", without tensor cores: slower than exact";
        console.Conclude($"Matrix products: {CommonOptions.WordOf(precision)}{cores}.");
        DevicesResult result = new(
            taken.Selector, taken.Choice, variant.ToString().ToLowerInvariant(), CommonOptions.WordOf(precision), threads > 0 ? threads : null, devices);
        if (directory is not null)
            console.Tell($"Written: {directory.WriteJson(FileName, result)}");
        console.Result(result);
        return ExitCode.Done;
    }

    /// <summary>The result.</summary>
    private sealed record DevicesResult(
        string Taken, string Choice, string Variant, string Precision, int? Threads, IReadOnlyList<DeviceInfo> Devices);
}
