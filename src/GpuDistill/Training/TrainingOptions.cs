using GpuDistill.Kernels;

namespace GpuDistill;

/// <summary>How a network is trained. All of it is part of what a seed reproduces bit by bit.</summary>
public sealed record TrainingOptions
{
    /// <summary>Passes over the transfer set.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Rows per step. Batches run on over the end of an epoch, so the set need not be a multiple of it.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Drives shuffling, jitter and dropout. Initial weights have their own (<see cref="Network.Initialize"/>).</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>How weights are updated.</summary>
    public Optimizer Optimizer { get; init; } = Optimizer.Sgd();

    /// <summary>The highest learning rate.</summary>
    public float LearningRate { get; init; } = 0.05f;

    /// <summary>How the learning rate falls.</summary>
    public LearningRateDecay Decay { get; init; } = LearningRateDecay.Cosine;

    /// <summary>Of cosine decay: the rate at the end, as a share of the highest.</summary>
    public float FinalRate { get; init; }

    /// <summary>Of step decay: epochs between two steps.</summary>
    public int DecayEpochs { get; init; } = 10;

    /// <summary>Of step decay: what the rate is multiplied by at each step.</summary>
    public float DecayFactor { get; init; } = 0.5f;

    /// <summary>Epochs over which the rate first rises linearly; fewer than <see cref="Epochs"/>.</summary>
    public float WarmupEpochs { get; init; }

    /// <summary>The largest L2 norm of the weights into a unit (max-norm constraint); 0 for none. The last layer is left free.</summary>
    public float MaxNorm { get; init; }

    /// <summary>Shifts each image by up to this many pixels in both directions, anew every epoch.</summary>
    public int Jitter { get; init; }

    /// <summary>Share of the input pixels dropped.</summary>
    public float InputDropout { get; init; }

    /// <summary>Share of the hidden units dropped.</summary>
    public float HiddenDropout { get; init; }

    /// <summary>
    /// What must be the same for a training to be the same, as text. To go on for longer is the same training, unless the
    /// learning rate follows a cosine, whose whole curve depends on the number of epochs.
    /// </summary>
    internal string Describe() => Decay == LearningRateDecay.Cosine
        ? ToString()
        : ToString().Replace($"{{ Epochs = {Epochs}, ", "{ ", StringComparison.Ordinal);

    /// <summary>Steps in all for a set of <paramref name="rows"/> rows.</summary>
    public long StepsFor(long rows) => ((Epochs * rows) + BatchSize - 1) / BatchSize;

    internal LearningRateSchedule ScheduleFor(long rows)
    {
        double stepsPerEpoch = (double)rows / BatchSize;
        LearningRateSchedule schedule = Decay switch
        {
            LearningRateDecay.None => LearningRateSchedule.Constant(LearningRate),
            LearningRateDecay.Step => LearningRateSchedule.StepDecay(
                LearningRate, DecayFactor, Math.Max(1, (long)Math.Round(DecayEpochs * stepsPerEpoch))),
            LearningRateDecay.Cosine => LearningRateSchedule.Cosine(LearningRate, StepsFor(rows), FinalRate),
            _ => throw new ArgumentOutOfRangeException(nameof(rows), Decay, "Unknown learning-rate decay."),
        };
        long warmup = (long)Math.Round(WarmupEpochs * stepsPerEpoch);
        if (Decay == LearningRateDecay.Cosine && warmup >= StepsFor(rows))
        {
            throw new ArgumentOutOfRangeException(
                nameof(rows), WarmupEpochs, $"WarmupEpochs is {WarmupEpochs}: its {warmup} steps leave none of the training's {StepsFor(rows)} for the decay.");
        }

        return warmup > 0 ? schedule.WithWarmup(warmup) : schedule;
    }

    internal void Validate(NetworkShape shape)
    {
        Require(Epochs >= 1, nameof(Epochs), Epochs, "at least 1");
        Require(BatchSize >= 1, nameof(BatchSize), BatchSize, "at least 1");
        Require(LearningRate > 0 && float.IsFinite(LearningRate), nameof(LearningRate), LearningRate, "a finite number above 0");
        Require(FinalRate is >= 0 and <= 1, nameof(FinalRate), FinalRate, "from 0 to 1");
        Require(DecayEpochs >= 1, nameof(DecayEpochs), DecayEpochs, "at least 1");
        Require(DecayFactor is > 0 and <= 1, nameof(DecayFactor), DecayFactor, "above 0 and at most 1");
        Require(WarmupEpochs >= 0 && WarmupEpochs < Epochs, nameof(WarmupEpochs), WarmupEpochs, $"at least 0 and below the {Epochs} epochs");
        Require(MaxNorm >= 0 && float.IsFinite(MaxNorm), nameof(MaxNorm), MaxNorm, "a finite number of at least 0");
        Require(Jitter >= 0, nameof(Jitter), Jitter, "at least 0");
        Require(InputDropout is >= 0 and < 1, nameof(InputDropout), InputDropout, "at least 0 and below 1");
        Require(HiddenDropout is >= 0 and < 1, nameof(HiddenDropout), HiddenDropout, "at least 0 and below 1");
        Require(shape.Layers > 1 || MaxNorm == 0, nameof(MaxNorm), MaxNorm, $"0: the network {shape} has no hidden layer");
        Require(shape.Layers > 1 || HiddenDropout == 0, nameof(HiddenDropout), HiddenDropout, $"0: the network {shape} has no hidden layer");
    }

    private static void Require(bool condition, string name, object value, string range)
    {
        if (!condition)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be {range}.");
    }
}

/// <summary>How the learning rate falls over a training.</summary>
public enum LearningRateDecay
{
    /// <summary>It stays.</summary>
    None,

    /// <summary>It is multiplied by a factor every few epochs.</summary>
    Step,

    /// <summary>It follows half a cosine from the highest to the final rate (Loshchilov and Hutter 2017).</summary>
    Cosine,
}
