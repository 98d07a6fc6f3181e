using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using GpuDistill.Kernels;
using GpuDistill.Peers;
using ILGPU;
using ILGPU.Runtime.CPU;
using Spectre.Console;

Option<int> threadsOption = new("--threads") { Description = "Threads for either side; 0 takes all processors.", DefaultValueFactory = _ => 0 };
Option<int> roundsOption = new("--rounds") { Description = "Turns that each side takes.", DefaultValueFactory = _ => 5 };
Option<double> secondsOption = new("--seconds") { Description = "Seconds of a turn.", DefaultValueFactory = _ => 0.4 };
Option<string?> filterOption = new("--filter") { Description = "Only work whose name contains this text." };
Option<FileInfo?> jsonOption = new("--json") { Description = "Also writes the figures to this file." };
RootCommand command = new("Times GpuDistill against libtorch (TorchSharp) on the same processor, data and threads, and checks that both agree.")
{
    threadsOption, roundsOption, secondsOption, filterOption, jsonOption,
};
command.SetAction(arguments =>
{
    int threads = arguments.GetValue(threadsOption);
    threads = threads == 0 ? Environment.ProcessorCount : threads;
    return Run(
        threads,
        new Clock(arguments.GetValue(roundsOption), arguments.GetValue(secondsOption)),
        arguments.GetValue(filterOption) ?? "",
        arguments.GetValue(jsonOption));
});
return command.Parse(args).Invoke();

static int Run(int threads, Clock clock, string filter, FileInfo? json)
{
    TorchSharp.torch.set_num_threads(threads);
    if (Console.IsOutputRedirected)
        AnsiConsole.Profile.Width = 140; // a table that nobody resizes
    using Context context = Context.Create(builder => builder.EnableAlgorithms().CPU(new CPUDevice(2, 1, 1)));
    using CPUAccelerator accelerator = context.CreateCPUAccelerator(0);
    using KernelContext kernels = new(accelerator, KernelVariant.Auto, threads);
    double copy = CopyBandwidth.BytesPerSecond(clock, threads);
    AnsiConsole.MarkupLineInterpolated(
        $"{RuntimeInformation.FrameworkDescription}, libtorch {TorchSharp.torch.__version__}, {threads} threads, copy {copy / 1e9:F1} GB/s");
    List<Measured> rows = [];
    foreach ((string work, Func<Comparison> make) in Comparisons(kernels))
    {
        if (!work.Contains(filter, StringComparison.OrdinalIgnoreCase))
            continue;
        using Comparison comparison = make();
        comparison.CheckAgreement();
        (double peer, double ours) = clock.Compare(comparison.Peer, comparison.Ours);
        Measured row = new(
            work,
            Math.Round(peer, 5),
            Math.Round(ours, 5),
            Math.Round(peer / ours, 3),
            comparison.Bytes > 0 ? Math.Round(comparison.Bytes / (ours / 1000) / copy, 3) : null,
            comparison.Operations > 0 ? Math.Round(comparison.Operations / peer / 1e6, 1) : null,
            comparison.Operations > 0 ? Math.Round(comparison.Operations / ours / 1e6, 1) : null);
        rows.Add(row);
        AnsiConsole.MarkupLineInterpolated($"[dim]{row.Work}: {row.Ratio:F2}[/]");
    }

    Table table = new Table().RoundedBorder().AddColumn("work");
    foreach (string column in (string[])["libtorch ms", "ours ms", "ratio", "share of copy", "libtorch GFLOP/s", "ours GFLOP/s"])
        table.AddColumn(new TableColumn(column).RightAligned());
    foreach (Measured row in rows)
    {
        table.AddRow(
            Markup.Escape(row.Work),
            Number(row.PeerMs, "F3"),
            Number(row.OursMs, "F3"),
            Number(row.Ratio, "F2"),
            Number(row.ShareOfCopyBandwidth, "P0"),
            Number(row.PeerGflops, "F0"),
            Number(row.OursGflops, "F0"));
    }

    AnsiConsole.Write(table);
    if (json is not null)
        File.WriteAllText(json.FullName, JsonSerializer.Serialize(rows, new JsonSerializerOptions { WriteIndented = true }) + "\n");
    return 0;
}

static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";

static IEnumerable<(string Work, Func<Comparison> Make)> Comparisons(KernelContext kernels)
{
    foreach ((int rows, int classes) in ((int, int)[])[(128, 10), (4096, 1000), (1024, 32_000), (256, 128_256)])
        yield return ($"distillation loss [{rows} x {classes}]", () => new LossComparison(kernels, rows, classes));
    foreach ((int m, int k, int n) in ((int, int, int)[])[(128, 784, 1200), (128, 1200, 1200), (1024, 1200, 1200)])
    {
        yield return ($"product {m} x {k} x {n}", () => new ProductComparison(kernels, m, k, n));
        // The forms that backward uses: the gradient of a layer's input, and of its weights.
        yield return ($"product {m} x {n} x {k}, right transposed", () => new ProductComparison(kernels, m, n, k, transposeRight: true));
        yield return ($"product {k} x {m} x {n}, left transposed", () => new ProductComparison(kernels, k, m, n, transposeLeft: true));
    }

    yield return ("product 2048 x 2048 x 2048", () => new ProductComparison(kernels, 2048, 2048, 2048));
    foreach ((int hidden, int batch) in ((int, int)[])[(800, 128), (1200, 128), (800, 1024), (1200, 1024), (30, 128)])
        yield return ($"training step 784-{hidden}-{hidden}-10, B = {batch}", () => new StepComparison(kernels, hidden, batch));
}
