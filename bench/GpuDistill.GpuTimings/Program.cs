using System.CommandLine;
using System.Diagnostics;
using GpuDistill.GpuTimings;
using GpuDistill.Kernels;

Argument<string[]> kindsArgument = new("kind")
{
    Description = $"What to time; if none is named, all in this order: {string.Join(", ", TimingRun.Kinds.Keys)}.",
    Arity = ArgumentArity.ZeroOrMore,
};
kindsArgument.AcceptOnlyFromAmong([.. TimingRun.Kinds.Keys]);
Option<FileInfo> jsonOption = new("--json")
{
    Description = "The file to write, after every timing; what it holds of other work stays.",
    DefaultValueFactory = _ => new FileInfo("ours.json"),
};
Option<string> filterOption = new("--filter") { Description = "Only work whose name contains this text.", DefaultValueFactory = _ => "" };
Option<string?> dryOption = new("--dry-run")
{
    Description = "With small work, on the processor or on CUDA: tries this program, and measures nothing.",
    Arity = ArgumentArity.ZeroOrOne,
    HelpName = "cpu|cuda",
    CustomParser = result => result.Tokens is [{ } token] ? token.Value : "cpu",
};
dryOption.AcceptOnlyFromAmong("cpu", "cuda");
Option<int> fromOption = new("--from") { Description = "Leaves out so many of the works: for the process that goes on after a lost device.", Hidden = true };
RootCommand command = new("Times GpuDistill's kernels on the first CUDA device, after checks against double precision. A failed check is an entry.")
{
    kindsArgument, jsonOption, filterOption, dryOption, fromOption,
};
command.SetAction(arguments =>
{
    int from = arguments.GetValue(fromOption);
    using TimingDevice? device = TimingDevice.Open(arguments.GetValue(dryOption));
    if (device is null)
    {
        Console.Error.WriteLine("There is no CUDA device.");
        return 1;
    }

    Console.WriteLine($"{device.Name}: copies {device.CopyBandwidth / 1e9:F0} GB/s, read and written");
    if (device.Kernels(MatrixPrecision.BFloat16).WarpGroupRefusal is { } refusal)
        Console.WriteLine($"No warpgroups: {refusal}");
    IEnumerable<string> kinds = arguments.GetValue(kindsArgument) is { Length: > 0 } named ? named : TimingRun.Kinds.Keys;
    Work[] works =
    [
        .. kinds.Distinct().SelectMany(kind => TimingRun.Kinds[kind](device))
            .Where(work => work.Blank.Work.Contains(arguments.GetValue(filterOption)!, StringComparison.OrdinalIgnoreCase))
            .Skip(from),
    ];
    (int failures, int taken) = TimingRun.Of(
        works, device.Name, new TimingFile(arguments.GetValue(jsonOption)!.FullName), Console.Out, device.IsLost);
    if (failures > 0)
        Console.Error.WriteLine($"{failures} failed; the entries say how.");
    if (taken < works.Length)
    {
        Console.WriteLine("The device is lost to this process; another one goes on.");
        using Process rest = Process.Start(Environment.ProcessPath!, [.. RestOf(from + taken)]);
        rest.WaitForExit();
    }

    return failures > 0 ? 1 : 0;
});
return command.Parse(args).Invoke();

// This program's arguments, behind those of the runtime where it is started by "dotnet".
IEnumerable<string> RestOf(int from)
{
    bool isHosted = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet";
    IEnumerable<string> own = args is [.. string[] before, "--from", _] ? before : args;
    return [.. isHosted ? [Environment.GetCommandLineArgs()[0]] : Array.Empty<string>(), .. own, "--from", $"{from}"];
}
