using System.CommandLine;
using GpuDistill.Kernels;

namespace GpuDistill.Cli;

/// <summary>How a network is trained: what train and distill have in common.</summary>
internal sealed class TrainingSettings
{
    private static readonly TrainingOptions Defaults = new();

    private readonly Option<int> _epochs = OptionFactory.Number(
        "--epochs", "N", "Passes over the images.", Defaults.Epochs, n => n >= 1, "a whole number of at least 1");

    private readonly Option<int> _batch = OptionFactory.Number(
        "--batch", "N", "Images per step.", Defaults.BatchSize, n => n >= 1, "a whole number of at least 1");

    private readonly Option<ulong> _seed = OptionFactory.Number<ulong>(
        "--seed", "N", "Decides initial weights, order, jitter and dropout; the same seed gives the same bits.", 1, _ => true, "a whole number of at least 0");

    private readonly Option<string> _optimizer = OptionFactory.Choice("--optimizer", "NAME", "How weights are updated", "sgd", "sgd", "adamw");

    private readonly Option<float?> _rate = OptionFactory.OptionalNumber<float>(
        "--rate", "X", "Highest learning rate. [default: 0.05 with sgd, 0.001 with adamw]", Positive, "a finite number above 0");

    private readonly Option<float?> _momentum = OptionFactory.OptionalNumber<float>(
        "--momentum", "X", "Of sgd: share of the velocity kept. [default: 0.9]", BelowOne, "at least 0 and below 1");

    private readonly Option<bool> _nesterov = new("--nesterov") { Description = "Of sgd: look ahead along the velocity." };

    private readonly Option<float?> _weightDecay = OptionFactory.OptionalNumber<float>(
        "--weight-decay", "X", "Pull of the weights towards 0. [default: 0 with sgd, 0.01 with adamw]", NotNegative, "a finite number of at least 0");

    private readonly Option<string> _decay = OptionFactory.Choice(
        "--decay", "KIND", "How the learning rate falls", "cosine", "none", "step", "cosine");

    private readonly Option<float?> _finalRate = OptionFactory.OptionalNumber<float>(
        "--final-rate", "X", "Of cosine: rate at the end, as a share of the highest. [default: 0]", x => x is >= 0 and <= 1, "from 0 to 1");

    private readonly Option<int?> _decayEpochs = OptionFactory.OptionalNumber<int>(
        "--decay-epochs", "N", "Of step: epochs between two steps. [default: 10]", n => n >= 1, "a whole number of at least 1");

    private readonly Option<float?> _decayFactor = OptionFactory.OptionalNumber<float>(
        "--decay-factor", "X", "Of step: what the rate is multiplied by. [default: 0.5]", x => x is > 0 and <= 1, "above 0 and at most 1");

    private readonly Option<float> _warmup = OptionFactory.Number<float>(
        "--warmup", "EPOCHS", "Epochs over which the rate first rises.", Defaults.WarmupEpochs, NotNegative, "a finite number of at least 0");

    private readonly Option<float> _dropout = OptionFactory.Number<float>(
        "--dropout", "X", "Share of the hidden units dropped.", Defaults.HiddenDropout, BelowOne, "at least 0 and below 1");

    private readonly Option<float> _inputDropout = OptionFactory.Number<float>(
        "--input-dropout", "X", "Share of the pixels dropped.", Defaults.InputDropout, BelowOne, "at least 0 and below 1");

    private readonly Option<float> _maxNorm = OptionFactory.Number<float>(
        "--max-norm", "X", "Largest L2 norm of the weights into a hidden unit; 0 for no limit.", Defaults.MaxNorm, NotNegative, "a finite number of at least 0");

    private readonly Option<int> _jitter = OptionFactory.Number(
        "--jitter", "PIXELS", "Shift each image by up to this many pixels, anew every epoch.", Defaults.Jitter, n => n >= 0, "a whole number of at least 0");

    private readonly Option<string> _activation = OptionFactory.Choice(
        "--activation", "NAME", "Activation of the hidden layers", "relu",
        [.. Enum.GetNames<Activation>().Select(name => name.ToLowerInvariant())]);

    private readonly Option<string?> _resume = OptionFactory.Text(
        "--resume", "FILE", "Go on from the checkpoint of an interrupted run, or the one in its directory; all other options as they were, --epochs aside unless --decay is cosine.");

    private readonly Option<float> _checkpointMinutes = OptionFactory.Number<float>(
        "--checkpoint-minutes", "X", "Minutes between checkpoints, from which --resume goes on after a crash; 0 for none.", 2, NotNegative, "a finite number of at least 0");

    public TrainingSettings AddTo(Command command)
    {
        foreach (Option option in (Option[])[
            _activation, _epochs, _batch, _seed, _optimizer, _rate, _momentum, _nesterov, _weightDecay, _decay, _finalRate, _decayEpochs,
            _decayFactor, _warmup, _dropout, _inputDropout, _maxNorm, _jitter, _resume, _checkpointMinutes])
        {
            command.Add(option);
        }

        return this;
    }

    public Activation Activation(ParseResult parsed) => Enum.Parse<Activation>(parsed.GetRequiredValue(_activation), ignoreCase: true);

    /// <summary>All settings; the checkpoint to go on from is found to be there before anything long begins.</summary>
    public TrainingPlan Plan(ParseResult parsed)
    {
        TrainingOptions options = Read(parsed);
        float minutes = parsed.GetValue(_checkpointMinutes);
        return new TrainingPlan(options, Resume(parsed), minutes > 0 ? TimeSpan.FromMinutes(Math.Min(minutes, 1e6)) : null);
    }

    /// <summary>All options with the values that hold, those left out included.</summary>
    public SortedDictionary<string, object> Values(ParseResult parsed)
    {
        TrainingOptions options = Read(parsed);
        Dictionary<string, object> settled = new() { [_rate.Name] = options.LearningRate };
        if (parsed.GetRequiredValue(_optimizer) == "adamw")
        {
            settled[_weightDecay.Name] = new AdamWOptions().WeightDecay;
        }
        else
        {
            settled[_momentum.Name] = new SgdOptions().Momentum;
            settled[_weightDecay.Name] = 0f;
        }

        if (options.Decay == LearningRateDecay.Cosine)
        {
            settled[_finalRate.Name] = options.FinalRate;
        }
        else if (options.Decay == LearningRateDecay.Step)
        {
            settled[_decayEpochs.Name] = options.DecayEpochs;
            settled[_decayFactor.Name] = options.DecayFactor;
        }

        return OptionValues.Of(parsed, settled);
    }

    /// <summary>Refuses a batch that would hold an image twice.</summary>
    public void CheckBatch(ParseResult parsed, int images)
    {
        if (parsed.IsGiven(_batch) && parsed.GetValue(_batch) > images)
            throw new InputException($"--batch must be at most the {images} images there are to train on; it is '{parsed.GetValue(_batch)}'.");
    }

    private string? Resume(ParseResult parsed)
    {
        if (parsed.GetValue(_resume) is not { } path)
            return null;
        string file = SavedModel.Locate(path, TrainingRun.CheckpointName);
        return File.Exists(file) ? file : throw new InputException($"--resume {file}: there is no such file.");
    }

    private TrainingOptions Read(ParseResult parsed)
    {
        bool adamW = parsed.GetRequiredValue(_optimizer) == "adamw";
        LearningRateDecay decay = Enum.Parse<LearningRateDecay>(parsed.GetRequiredValue(_decay), ignoreCase: true);
        if (adamW)
            parsed.RefuseWithout("--optimizer sgd", _momentum, _nesterov);
        if (decay != LearningRateDecay.Cosine)
            parsed.RefuseWithout("--decay cosine", _finalRate);
        if (decay != LearningRateDecay.Step)
            parsed.RefuseWithout("--decay step", _decayEpochs, _decayFactor);
        int epochs = parsed.GetValue(_epochs);
        if (parsed.GetValue(_warmup) >= epochs)
            throw new InputException($"--warmup must be below the {epochs} epochs of --epochs; it is '{parsed.GetValue(_warmup)}'.");
        return new TrainingOptions
        {
            Epochs = epochs,
            BatchSize = parsed.GetValue(_batch),
            Seed = parsed.GetValue(_seed),
            Optimizer = adamW ? AdamW(parsed) : Sgd(parsed),
            LearningRate = parsed.GetValue(_rate) ?? (adamW ? 0.001f : Defaults.LearningRate),
            Decay = decay,
            FinalRate = parsed.GetValue(_finalRate) ?? Defaults.FinalRate,
            DecayEpochs = parsed.GetValue(_decayEpochs) ?? Defaults.DecayEpochs,
            DecayFactor = parsed.GetValue(_decayFactor) ?? Defaults.DecayFactor,
            WarmupEpochs = parsed.GetValue(_warmup),
            MaxNorm = parsed.GetValue(_maxNorm),
            Jitter = parsed.GetValue(_jitter),
            InputDropout = parsed.GetValue(_inputDropout),
            HiddenDropout = parsed.GetValue(_dropout),
        };
    }

    private Optimizer Sgd(ParseResult parsed)
    {
        float momentum = parsed.GetValue(_momentum) ?? new SgdOptions().Momentum;
        if (momentum == 0 && parsed.GetValue(_nesterov))
            throw new InputException("--nesterov has no effect without --momentum above 0.");
        return Optimizer.Sgd(new SgdOptions
        {
            Momentum = momentum,
            Nesterov = parsed.GetValue(_nesterov),
            WeightDecay = parsed.GetValue(_weightDecay) ?? 0,
        });
    }

    private Optimizer AdamW(ParseResult parsed) => Optimizer.AdamW(
        parsed.GetValue(_weightDecay) is { } decay ? new AdamWOptions { WeightDecay = decay } : new AdamWOptions());

    private static bool Positive(float value) => value > 0 && float.IsFinite(value);

    private static bool NotNegative(float value) => value >= 0 && float.IsFinite(value);

    private static bool BelowOne(float value) => value is >= 0 and < 1;
}
