using System.CommandLine;
using GpuDistill.GpuTimings;

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
RootCommand command = new("Times GpuDistill's kernels on the first CUDA device, after checks against double precision. A failed check is an entry.")
{
    kindsArgument, jsonOption, filterOption, dryOption,
};
command.SetAction(arguments =>
{
    using TimingDevice? device = TimingDevice.Open(arguments.GetValue(dryOption));
    if (device is null)
    {
        Console.Error.WriteLine("There is no CUDA device.");
        return 1;
    }

    Console.WriteLine($"{device.Name}: copies {device.CopyBandwidth / 1e9:F0} GB/s, read and written");
    IEnumerable<string> kinds = arguments.GetValue(kindsArgument) is { Length: > 0 } named ? named : TimingRun.Kinds.Keys;
    IEnumerable<Work> works = kinds.Distinct().SelectMany(kind => TimingRun.Kinds[kind](device)).Where(
        work => work.Blank.Work.Contains(arguments.GetValue(filterOption)!, StringComparison.OrdinalIgnoreCase));
    int failures = TimingRun.Of(works, device.Name, new TimingFile(arguments.GetValue(jsonOption)!.FullName), Console.Out);
    if (failures > 0)
        Console.Error.WriteLine($"{failures} failed; the entries say how.");
    return failures > 0 ? 1 : 0;
});
return command.Parse(args).Invoke();
