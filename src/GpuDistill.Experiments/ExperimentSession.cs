using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace GpuDistill.Experiments;

/// <summary>
/// Does experiments on a device and reports on them. Each finished run is kept in the output directory; whatever is kept there
/// with the same settings is not done again, in this session or a later one.
/// </summary>
public sealed class ExperimentSession : IDisposable
{
    private readonly ExperimentOptions _options;
    private readonly DistillDevice _device;
    private readonly Setup _setup;
    private readonly RunStore _store;
    private readonly Workshop _workshop;
    private readonly Results _results = new();
    private readonly TimeProvider _time;

    /// <summary>Lays out the experiments and finds what is already done.</summary>
    /// <param name="device">Where networks are trained.</param>
    /// <param name="train">The training images; their last sixth is held out where a setting is chosen.</param>
    /// <param name="test">The test images.</param>
    /// <param name="options">Which experiments, and how.</param>
    /// <param name="time">Says when a run was finished; null for the system's time.</param>
    /// <param name="cancellation">Stops after the current step of a training; finished runs are kept.</param>
    public ExperimentSession(
        DistillDevice device, ImageDataset train, ImageDataset test, ExperimentOptions options, TimeProvider? time = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _device = device;
        _time = time ?? TimeProvider.System;
        Recipe recipe = options.Recipe ?? (options.Quick ? Recipe.Quick : Recipe.Full);
        _setup = new Setup(recipe, options.Seeds ?? recipe.Seeds, train, test.Count);
        _store = new RunStore(options.Directory, new Dictionary<string, string>
        {
            ["training images"] = Identity(train),
            ["test images"] = Identity(test),
            ["device"] = $"{device.Info}, {device.Kernels.Variant}{device.PrecisionSuffix}",
            ["version"] = Version,
        });
        _workshop = new Workshop(device, train, test, _store, cancellation);
        Plans = [.. options.Experiments.Select(info => new ExperimentPlan(info, info.Create(_setup)))];
        Warnings = [.. Plans.SelectMany(plan => plan.Runs).DistinctBy(run => run.Key).Select(Damage).OfType<string>()];
    }

    /// <summary>The experiments, laid out.</summary>
    public IReadOnlyList<ExperimentPlan> Plans { get; }

    /// <summary>Kept runs that cannot be used, a sentence each: their files are damaged, and they are done anew.</summary>
    public IReadOnlyList<string> Warnings { get; }

    private static string Version =>
        typeof(ExperimentSession).Assembly.GetName().Version!.ToString(3);

    /// <summary>Does the runs of an experiment that are not kept from before.</summary>
    /// <param name="plan">One of <see cref="Plans"/>.</param>
    /// <param name="progress">Told how far it is: a run counts as an epoch, and ends with a report that says what came out.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; finished runs are kept.</exception>
    public void Run(ExperimentPlan plan, IProgress<TrainingProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        RunProgress reports = new(plan.Runs, progress);
        foreach (Run run in plan.Runs)
        {
            _workshop.Cancellation.ThrowIfCancellationRequested();
            RunRecord? record = _store.Find(run);
            bool found = record is not null;
            if (record is null)
            {
                reports.Begin(run);
                _workshop.Progress = reports;
                _store.Forget(run);
                long start = Stopwatch.GetTimestamp();
                IReadOnlyDictionary<string, double> measures = run.Do(_workshop);
                record = _store.Keep(run, measures, Stopwatch.GetElapsedTime(start), _time.GetUtcNow());
            }

            _results.Add(record);
            reports.End(run, record, found);
        }
    }

    /// <summary>Writes report.html, metrics.json and the plots.</summary>
    /// <param name="command">The command that reproduces it.</param>
    /// <returns>What was found, the files' contents included.</returns>
    public ExperimentReport Report(string command)
    {
        ArgumentNullException.ThrowIfNull(command);
        ReportSection[] sections = [.. Plans.Select(plan => new ReportSection(
            plan.Info,
            [.. plan.Experiment.Report(_results)],
            TrainingSettings.Of(plan.Runs),
            plan.Runs.Count,
            TimeSpan.FromSeconds(plan.Runs.Sum(run => _results.Records[run.Key].Seconds))))];
        ReportDocument document = new(_options.Quick, command, Facts(), sections);
        return ExperimentReport.Write(_options.Directory, document, _results);
    }

    /// <summary>Frees what the experiments hold on the device.</summary>
    public void Dispose() => _workshop.Dispose();

    private string? Damage(Run run)
    {
        _store.Find(run, out string? damage);
        return damage is null ? null : $"{damage} The run '{run.Title}' is done again.";
    }

    private KeyValuePair<string, string>[] Facts() =>
    [
        new("Device", $"{_device.Info}; {_device.Info.Details}"),
        new("Seeds", _setup.Seeds == 1 ? "1: no confidence intervals" : $"1 to {_setup.Seeds}; ± is the 95 % confidence interval of the mean by Student’s t"),
        new("Images", $"{Numbers.Count(_setup.Train.Count)} for training, {Numbers.Count(_setup.TestImages)} for testing; what was tuned was tuned on training images held out for it; the test images are for counting errors of finished networks"),
        new("Versions", $"GpuDistill {Version}, ILGPU {VersionOf(typeof(ILGPU.Context))}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}"),
        new("Date", _results.Records.Values.Max(record => record.Finished).ToString("yyyy-MM-dd HH:mm 'UTC'")),
        new("Time", $"{Numbers.Duration(TimeSpan.FromSeconds(_results.Records.Values.Sum(record => record.Seconds)))} in {_results.Records.Count} runs"),
    ];

    private static string VersionOf(Type type) =>
        type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static string Identity(ImageDataset images)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(images.Pixels);
        hash.AppendData(MemoryMarshal.AsBytes(images.Labels.AsSpan()));
        return $"{images.Count} of {images.Height} x {images.Width}, {Convert.ToHexStringLower(hash.GetHashAndReset())[..16]}";
    }
}

/// <summary>An experiment laid out: its runs, those shared with other experiments included.</summary>
public sealed class ExperimentPlan
{
    internal ExperimentPlan(ExperimentInfo info, Experiment experiment)
    {
        Info = info;
        Experiment = experiment;
        Runs = [.. experiment.Runs.DistinctBy(run => run.Key)];
    }

    /// <summary>The experiment.</summary>
    public ExperimentInfo Info { get; }

    /// <summary>The number of runs.</summary>
    public int Count => Runs.Count;

    internal Experiment Experiment { get; }

    internal IReadOnlyList<Run> Runs { get; }
}
