using System.CommandLine;
using Spectre.Console;

namespace GpuDistill.Cli;

/// <summary>gpudistill devices</summary>
internal static class DevicesCommand
{
    public static Command Create(Session session)
    {
        Command command = new("devices", "List the devices and say which one --device takes and why.");
        CommonOptions common = new CommonOptions().AddTo(command);
        OutputOption output = new OutputOption("devices.json", required: false).AddTo(command);
        command.SetAction(parsed => Run(common.Output(parsed, session), common, output, parsed));
        return command;
    }

    private static int Run(CommandOutput console, CommonOptions common, OutputOption output, ParseResult parsed)
    {
        OutputDirectory? directory = output.Open(parsed);
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
        DevicesResult result = new(taken.Selector, taken.Choice, devices);
        directory?.WriteJson("devices.json", result);
        console.Result(result);
        return ExitCode.Done;
    }

    /// <summary>The result.</summary>
    private sealed record DevicesResult(string Taken, string Choice, IReadOnlyList<DeviceInfo> Devices);
}
