using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GpuDistill;

/// <summary>
/// Trains a network for an <see cref="Objective"/> on images that are on the device. All buffers are allocated and all
/// launches bound once; a step is the same list of launches every time and copies nothing from the host. With the SIMD
/// variants it allocates nothing either.
/// </summary>
/// <remarks>
/// The same seed on the same device, variant and precision gives bit-identical weights, however often training is interrupted. A trainer is
/// for one thread at a time, and so is its device; progress is reported on the thread that called <see cref="Run"/>.
/// </remarks>
public sealed class Trainer : IDisposable
{
    private readonly ResidentImages _images;
    private readonly Objective _objective;
    private readonly TrainingOptions _options;
    private readonly ILogger _logger;
    private readonly Batch _batch;
    private readonly NetworkPass _pass;
    private readonly TrainingState _state;
    private readonly MemoryBuffer1D<LossTotals, Stride1D.Dense> _running;
    private readonly RunAhead<LossTotals> _ahead;
    private readonly LaunchSequence _sequence;
    private readonly List<IDisposable> _owned = [];
    private (double Loss, double Accuracy) _last = (double.NaN, double.NaN);
    private bool _disposed;

    /// <summary>Binds a training.</summary>
    /// <param name="network">The network, trained in place.</param>
    /// <param name="images">The transfer set.</param>
    /// <param name="objective">The loss and its targets.</param>
    /// <param name="options">How to train.</param>
    /// <param name="logger">Told about the start and every epoch.</param>
    /// <exception cref="ArgumentException">The network, the images and the objective do not fit together.</exception>
    public Trainer(
        Network network, ResidentImages images, Objective objective, TrainingOptions options, ILogger<Trainer>? logger = null)
        : this(network, images, objective, options, logger, Readback<LossTotals>.Of)
    {
    }

    // For tests: with readbacks of their own.
    internal Trainer(
        Network network,
        ResidentImages images,
        Objective objective,
        TrainingOptions options,
        ILogger<Trainer>? logger,
        Func<AcceleratorStream, ArrayView<LossTotals>, Readback<LossTotals>> createReadback)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(network.Shape);
        images.CheckFits(network);
        images.CheckLabels(network.Shape.Classes);
        objective.CheckFits(network, images);
        Network = network;
        _images = images;
        _objective = objective;
        _options = options;
        _logger = logger ?? NullLogger<Trainer>.Instance;
        Steps = options.StepsFor(images.Length);

        try
        {
            DistillDevice device = network.Device;
            _batch = Own(new Batch(images, options.BatchSize));
            _pass = Own(NetworkPass.Of(network, _batch, new TrainingPass(options.HiddenDropout, options.Seed, _batch.Clock)));
            _state = Own(new TrainingState(network, options.Optimizer, Describe));
            _running = Own(device.Accelerator.Allocate1D<LossTotals>(1));
            _ahead = Own(new RunAhead<LossTotals>(() => createReadback(device.Stream, _running.View)));
            ArrayView<float> classWeights = objective.ClassWeights is { } weights
                ? Own(device.Accelerator.Allocate1D(weights)).View
                : ArrayView<float>.Empty;
            _sequence = Own(new LaunchSequence(Bind(classWeights)));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The network.</summary>
    public Network Network { get; }

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>Steps in all.</summary>
    public long Steps { get; }

    /// <summary>The launches of one step, in order.</summary>
    public LaunchSequence StepLaunches => _sequence;

    /// <summary>
    /// Trains to the end. Steps are submitted ahead of the device, some hundredths of a second at most, and losses are read back
    /// while it goes on. When cancelled it lets the device finish what was submitted and throws; what was trained is kept, and the
    /// next call goes on from there.
    /// </summary>
    /// <param name="phase">The name that progress is reported under.</param>
    /// <param name="progress">Told a few times a second and at the end of every epoch.</param>
    /// <param name="cancellation">Stops after the steps that were submitted.</param>
    /// <exception cref="InvalidOperationException">The network has no parameters yet.</exception>
    /// <exception cref="InvalidRowException">A label is out of range or a row of logits has no softmax.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and no row of the steps done is invalid.</exception>
    /// <exception cref="ObjectDisposedException">The trainer, the network, the images or the teacher's logits were disposed.</exception>
    public TrainingResult Run(
        string phase = "training", IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        ThrowIfDisposed();
        Network.ThrowIfDisposed();
        Network.ThrowIfUnset();
        _images.ThrowIfDisposed();
        _objective.Teacher?.ThrowIfDisposed();
        AcceleratorStream stream = Network.Device.Stream;
        ProgressClock clock = new(phase, _options.Epochs, _images.Length, Steps, _options.BatchSize, Step);
        _logger.LogInformation("{Phase}: {Network}, {Steps} steps of {BatchSize} rows", phase, Network.Shape, Steps, _options.BatchSize);
        _batch.StartBefore(Step);
        _running.MemSetToZero(stream);
        _ahead.Start((totals, point) => Arrived(totals, point, clock, progress));
        ProgressPoint last = new(Step);
        while (Step < Steps && !cancellation.IsCancellationRequested)
        {
            _sequence.Run(stream);
            Step++;
            last = clock.After(Step);
            _ahead.Stepped(last);
            if (last.IsEndOfEpoch)
                _running.MemSetToZero(stream); // in the stream's order: after the epoch's totals were copied, before the next step
        }

        _ahead.Finish(last);
        if (Step < Steps)
            cancellation.ThrowIfCancellationRequested();
        return new TrainingResult(Steps, clock.Elapsed, _last.Loss, _last.Accuracy, clock.ImagesPerSecond(Steps));
    }

    /// <summary>
    /// Writes everything that going on bit by bit needs: parameters, moments and the step. May be called from a progress report
    /// of <see cref="Run"/>. The file is replaced in one move.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The trainer, the network or the teacher's logits were disposed.</exception>
    public void SaveCheckpoint(string path)
    {
        ThrowIfDisposed();
        _state.Save(path, Step);
    }

    /// <summary>
    /// Goes back to a checkpoint of the same training: same network shape and activation, objective, teacher's logits, images
    /// and rows, options, kind of device, kernel variants and precision. Only the number of epochs may differ, and not with
    /// <see cref="LearningRateDecay.Cosine"/>, whose curve depends on it.
    /// </summary>
    /// <exception cref="ModelFileException">The file is missing or damaged or belongs to another training.</exception>
    /// <exception cref="ObjectDisposedException">The trainer, the network or the teacher's logits were disposed.</exception>
    public void LoadCheckpoint(string path)
    {
        ThrowIfDisposed();
        Step = _state.Load(path, Steps);
        _last = (double.NaN, double.NaN);
    }

    /// <summary>Frees the buffers; the network stays.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (IDisposable owned in _owned)
            owned.Dispose();
    }

    // All that the bits of the result depend on. The images and the teacher are hashed, which is why this is asked for late.
    private Dictionary<string, string> Describe() => new()
    {
        ["network"] = $"{Network.Shape}, {Network.Shape.Activation}",
        ["objective"] = _objective.ToString()!,
        ["teacher"] = _objective.Teacher?.Describe() ?? "none",
        ["images"] = _images.Describe(),
        ["options"] = _options.Describe(),
        ["kernels"] = $"{Network.Device.Kind}, {string.Join(' ', _sequence.Launches.Select(launch => launch.Variant).Distinct())}"
            + Network.Device.PrecisionSuffix + Network.Device.Kernels.Traits,
    };

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    // Bound one by one, so that the sequence can dispose those before one that fails.
    private IEnumerable<Launch> Bind(ArrayView<float> classWeights)
    {
        KernelContext kernels = Network.Device.Kernels;
        yield return _batch.BindClock(_options.ScheduleFor(_images.Length));
        yield return BindBeginning();
        foreach (Launch forward in _pass.Forward())
            yield return forward;
        yield return _objective.Bind(new ObjectiveBatch(kernels, _pass.Logits, _batch.Rows, _batch.Labels, classWeights, _running.View));
        foreach (Launch backward in _pass.Backward(_state.Gradients))
            yield return backward;
        yield return _options.Optimizer.Bind(kernels, Network.Parameters, _state.Gradients, _state.Moments, _batch.Clock);
        if (_options.MaxNorm > 0)
            yield return BindMaxNorm(kernels);
    }

    // Weights are brought up to date where a step begins, not where it ends: whatever changed them in between, they are what is trained,
    // and the launch stands beside the gathering of the batch.
    private ForkedLaunch BindBeginning()
    {
        Launch gather = _pass.Gather(new BatchOptions
        {
            Seed = _options.Seed,
            Shuffle = true,
            Jitter = _options.Jitter,
            InputDropout = _options.InputDropout,
        });
        return new ForkedLaunch("Beginning", _pass.RefreshWeights().Select(refresh => (refresh, true)).Append((gather, false)));
    }

    // Of every layer but the last, side by side.
    private ForkedLaunch BindMaxNorm(KernelContext kernels)
    {
        int last = Network.Shape.Layers - 2;
        return new ForkedLaunch(nameof(MaxNorm), Enumerable.Range(0, last + 1).Select(layer =>
            (MaxNorm.Bind(kernels, Network.Parameters.Weights(layer), _options.MaxNorm), layer < last)));
    }

    // All totals are looked at, due or not: a bad row ends the training soon, at the latest at its end.
    private void Arrived(LossTotals totals, ProgressPoint point, ProgressClock clock, IProgress<TrainingProgress>? progress)
    {
        _images.ThrowIfInvalid(totals, byRow: _objective.Teacher is not null, Network.Shape.Classes);
        if (!point.IsDue)
            return;
        double loss = totals.Rows > 0 ? (double)totals.Total * _options.BatchSize / totals.Rows : double.NaN;
        double accuracy = totals.Labelled > 0 ? (double)totals.Correct / totals.Labelled : double.NaN;
        TrainingProgress report = clock.Report(point, loss, accuracy);
        _last = (loss, accuracy);
        progress?.Report(report);
        ThrowIfDisposed(); // in the report, say: nothing is left to go on with
        if (point.IsEndOfEpoch)
            _logger.LogInformation("{Phase}: epoch {Epoch} of {Epochs}, loss {Loss:F4}", report.Phase, report.Epoch, report.Epochs, loss);
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
