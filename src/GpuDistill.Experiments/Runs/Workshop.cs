using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

/// <summary>What runs work with: the device, the images on it, finished runs, and teacher logits once they were computed.</summary>
internal sealed class Workshop(
    DistillDevice device, ImageDataset train, ImageDataset test, RunStore store, CancellationToken cancellation) : IDisposable
{
    private readonly Dictionary<string, TeacherLogits> _logits = [];
    private ResidentImages? _train;
    private ResidentImages? _test;
    private ResidentImages? _validation;

    public DistillDevice Device => device;

    public RunStore Store => store;

    public CancellationToken Cancellation => cancellation;

    /// <summary>Where the current run reports to.</summary>
    public IProgress<TrainingProgress>? Progress { get; set; }

    /// <summary>All training images.</summary>
    public ResidentImages Train => _train ??= new ResidentImages(device, train);

    /// <summary>The test images.</summary>
    public ResidentImages Test => _test ??= new ResidentImages(device, test);

    /// <summary>The training images held out for validation.</summary>
    public ResidentImages Validation => _validation ??= Train.Subset(HeldOut.Rows(train));

    /// <summary>The images of a transfer set, with the row numbers of all training images.</summary>
    public TransferImages Select(TransferSet set) =>
        set.Rows is null ? new TransferImages(Train, owns: false) : new TransferImages(Train.Subset(set.Rows(train)), owns: true);

    /// <summary>A finished run's network; the caller disposes it.</summary>
    public Network Load(TrainingRun run) => ModelFile.Load(device, store.ModelPath(run));

    /// <summary>The logits of finished runs' networks for all training images: computed once, then resident.</summary>
    /// <param name="teachers">The runs.</param>
    /// <param name="mean">How several are averaged.</param>
    /// <param name="temperature">The temperature of the arithmetic mean.</param>
    public TeacherLogits Logits(
        IReadOnlyList<TrainingRun> teachers, TeacherMeanKind mean = TeacherMeanKind.Geometric, float temperature = 1)
    {
        bool arithmetic = teachers.Count > 1 && mean == TeacherMeanKind.Arithmetic;
        string key = $"{string.Join('+', teachers.Select(run => run.Key))}{(arithmetic ? $" at {temperature}" : "")}";
        if (!_logits.TryGetValue(key, out TeacherLogits? logits))
            _logits[key] = logits = Compute(teachers, Train, mean, temperature);
        return logits;
    }

    /// <summary>The logits of finished runs' networks for some images; the caller disposes them.</summary>
    public TeacherLogits Compute(IReadOnlyList<TrainingRun> teachers, ResidentImages images, TeacherMeanKind mean, float temperature)
    {
        List<Network> networks = [];
        try
        {
            networks.AddRange(teachers.Select(Load));
            return TeacherLogits.Compute(networks, images, mean, temperature, cancellation: cancellation);
        }
        finally
        {
            networks.ForEach(network => network.Dispose());
        }
    }

    public void Dispose()
    {
        foreach (TeacherLogits logits in _logits.Values)
            logits.Dispose();
        _validation?.Dispose();
        _train?.Dispose();
        _test?.Dispose();
    }
}

/// <summary>A transfer set on the device: all training images, which stay, or a subset, which goes.</summary>
internal sealed class TransferImages(ResidentImages images, bool owns) : IDisposable
{
    public ResidentImages Images => images;

    public void Dispose()
    {
        if (owns)
            images.Dispose();
    }
}
