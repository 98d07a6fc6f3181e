using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GpuDistill;

/// <summary>
/// Trains a network for an <see cref="Objective"/> on images that are on the device. All buffers are allocated and all
/// launches bound once; a step is the same list of launches every time, allocates nothing and copies nothing from the host.
/// </summary>
/// <remarks>The same seed on the same device and variant gives bit-identical weights, however often training is interrupted.</remarks>
public sealed class Trainer : IDisposable
{
    private readonly ResidentImages _images;
    private readonly TrainingOptions _options;
    private readonly ILogger _logger;
    private readonly Batch _batch;
    private readonly NetworkPass _pass;
    private readonly TrainingState _state;
    private readonly MemoryBuffer1D<LossTotals, Stride1D.Dense> _running;
    private readonly LossTotals[] _totals = new LossTotals[1];
    private readonly LaunchSequence _sequence;
    private readonly List<IDisposable> _owned = [];

    /// <summary>Binds a training.</summary>
    /// <param name="network">The network, trained in place.</param>
    /// <param name="images">The transfer set.</param>
    /// <param name="objective">The loss and its targets.</param>
    /// <param name="options">How to train.</param>
    /// <param name="logger">Told about the start and every epoch.</param>
    /// <exception cref="ArgumentException">The network, the images and the objective do not fit together.</exception>
    public Trainer(
        Network network, ResidentImages images, Objective objective, TrainingOptions options, ILogger<Trainer>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        images.CheckFits(network);
        images.CheckLabels(network.Shape.Classes);
        objective.CheckFits(network, images);
        Network = network;
        _images = images;
        _options = options;
        _logger = logger ?? NullLogger<Trainer>.Instance;
        Steps = options.StepsFor(images.Length);

        try
        {
            DistillDevice device = network.Device;
            _batch = Own(new Batch(images, options.BatchSize));
            _pass = Own(new NetworkPass(network, _batch.Images, new TrainingPass(options.HiddenDropout, options.Seed, _batch.Clock)));
            _state = Own(new TrainingState(network, options.Optimizer, Describe(objective, options)));
            _running = Own(device.Accelerator.Allocate1D<LossTotals>(1));
            _sequence = Own(new LaunchSequence(Bind(objective)));
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
    /// Trains to the end. When cancelled it finishes the current step and throws; what was trained is kept, and the next call
    /// goes on from there.
    /// </summary>
    /// <param name="phase">The name that progress is reported under.</param>
    /// <param name="progress">Told a few times a second and at the end of every epoch.</param>
    /// <param name="cancellation">Stops after the current step.</param>
    /// <exception cref="InvalidRowException">A label is out of range or a row of logits has no softmax.</exception>
    public TrainingResult Run(
        string phase = "training", IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        AcceleratorStream stream = Network.Device.Stream;
        ProgressClock clock = new(phase, _options.Epochs, _images.Length, Steps, _options.BatchSize, Step);
        TrainingProgress last = default;
        _logger.LogInformation("{Phase}: {Network}, {Steps} steps of {BatchSize} rows", phase, Network.Shape, Steps, _options.BatchSize);
        _batch.StartBefore(Step);
        _running.MemSetToZero(stream);
        while (Step < Steps)
        {
            cancellation.ThrowIfCancellationRequested();
            _sequence.Run(stream);
            Step++;
            if (!clock.IsDue(Step))
                continue;
            last = Report(clock, stream);
            progress?.Report(last);
            if (clock.IsEndOfEpoch)
            {
                _logger.LogInformation("{Phase}: epoch {Epoch} of {Epochs}, loss {Loss:F4}", phase, last.Epoch, last.Epochs, last.Loss);
                _running.MemSetToZero(stream);
            }
        }

        stream.Synchronize();
        return new TrainingResult(Steps, clock.Elapsed, last.Loss, last.Accuracy, clock.ImagesPerSecond);
    }

    /// <summary>Writes everything that going on bit by bit needs: parameters, moments and the step.</summary>
    public void SaveCheckpoint(string path) => _state.Save(path, Step);

    /// <summary>Goes back to a checkpoint of the same training: same network shape, objective and options, epochs aside.</summary>
    /// <exception cref="ModelFileException">The file is missing or damaged or belongs to another training.</exception>
    public void LoadCheckpoint(string path) => Step = _state.Load(path, Steps);

    /// <summary>Frees the buffers; the network stays.</summary>
    public void Dispose()
    {
        foreach (IDisposable owned in _owned)
            owned.Dispose();
    }

    // All but the epochs: to go on for longer than was first asked for is the same training.
    private static string Describe(Objective objective, TrainingOptions options) =>
        $"{objective}, {options}".Replace($"{{ Epochs = {options.Epochs}, ", "{ ", StringComparison.Ordinal);

    private List<Launch> Bind(Objective objective)
    {
        KernelContext kernels = Network.Device.Kernels;
        List<Launch> launches =
        [
            _batch.BindClock(_options.ScheduleFor(_images.Length)),
            _batch.BindGather(new BatchOptions
            {
                Seed = _options.Seed,
                Shuffle = true,
                Jitter = _options.Jitter,
                InputDropout = _options.InputDropout,
            }),
            .. _pass.Forward(),
            objective.Bind(new ObjectiveBatch(kernels, _pass.Logits, _batch.Rows, _batch.Labels, _running.View)),
            .. _pass.Backward(_state.Gradients),
            .. _options.Optimizer.Bind(kernels, Network.Parameters, _state.Gradients, _state.Moments, _batch.Clock),
        ];
        for (int layer = 0; _options.MaxNorm > 0 && layer < Network.Shape.Layers - 1; layer++)
            launches.Add(MaxNorm.Bind(kernels, Network.Parameters.Weights(layer), _options.MaxNorm));
        return launches;
    }

    private TrainingProgress Report(ProgressClock clock, AcceleratorStream stream)
    {
        _running.View.CopyToCPU(stream, _totals);
        stream.Synchronize();
        LossTotals totals = _totals[0];
        totals.ThrowIfInvalid();
        double loss = totals.Rows > 0 ? (double)totals.Total * _options.BatchSize / totals.Rows : double.NaN;
        double accuracy = totals.Labelled > 0 ? (double)totals.Correct / totals.Labelled : double.NaN;
        return clock.Report(loss, accuracy);
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}

/// <summary>What a finished training says of itself.</summary>
/// <param name="Steps">Steps in all.</param>
/// <param name="Elapsed">Time of the last call of <see cref="Trainer.Run"/>.</param>
/// <param name="Loss">Mean loss of the last epoch.</param>
/// <param name="Accuracy">Share of labelled training rows predicted right in the last epoch, while training.</param>
/// <param name="ImagesPerSecond">Speed.</param>
public sealed record TrainingResult(long Steps, TimeSpan Elapsed, double Loss, double Accuracy, double ImagesPerSecond);
