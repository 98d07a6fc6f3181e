using System.Text.RegularExpressions;

namespace GpuDistill.Cli;

/// <summary>The options behind the library's settings, for messages that name the latter.</summary>
internal static partial class OptionNames
{
    private static readonly Dictionary<string, string> Options = new()
    {
        ["Epochs"] = "--epochs",
        ["BatchSize"] = "--batch",
        ["Seed"] = "--seed",
        ["Optimizer"] = "--optimizer",
        ["Momentum"] = "--momentum",
        ["Nesterov"] = "--nesterov",
        ["WeightDecay"] = "--weight-decay",
        ["LearningRate"] = "--rate",
        ["Decay"] = "--decay",
        ["FinalRate"] = "--final-rate",
        ["DecayEpochs"] = "--decay-epochs",
        ["DecayFactor"] = "--decay-factor",
        ["WarmupEpochs"] = "--warmup",
        ["MaxNorm"] = "--max-norm",
        ["Jitter"] = "--jitter",
        ["InputDropout"] = "--input-dropout",
        ["HiddenDropout"] = "--dropout",
        ["Temperature"] = "--temperature",
        ["SoftWeight"] = "--soft-weight",
        ["HardWeight"] = "--hard-weight",
        ["LabelBlend"] = "--label-blend",
        ["LabelSmoothing"] = "--label-smoothing",
    };

    // What a checkpoint says of a training as a whole.
    private static readonly Dictionary<string, string> Parts = new()
    {
        ["network"] = "--layers, --student or --activation",
        ["objective"] = "the command, --label-smoothing or --objective",
        ["teacher"] = "--teacher or --logits",
        ["images"] = "--data, --images or --validation",
        ["kernels"] = "--device, --variant or --precision",
    };

    /// <summary>"LearningRate was 0.05, is 0.01" as "--rate was 0.05, is 0.01".</summary>
    public static string InsteadOfProperties(string message) => Part().Replace(
        Setting().Replace(message, match => Options.GetValueOrDefault(match.Value, match.Value)),
        match => Parts.TryGetValue(match.Groups[1].Value, out string? options) ? $"another training: its {match.Groups[1].Value} ({options}): " : match.Value);

    [GeneratedRegex(@"\b\w+(?= was )")]
    private static partial Regex Setting();

    [GeneratedRegex(@"another training: its (\w+): ")]
    private static partial Regex Part();
}
