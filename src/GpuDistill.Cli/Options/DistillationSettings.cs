using System.CommandLine;
using GpuDistill.Kernels;

namespace GpuDistill.Cli;

/// <summary>What the student learns from the teacher's logits, and how much of it.</summary>
internal sealed class DistillationSettings
{
    private static readonly DistillationOptions Defaults = new();

    private readonly Option<string> _objective = OptionFactory.Choice(
        "--objective", "KIND",
        "Cross entropy with soft targets and labels, or, its limit at high temperature, the squared difference of zero-meaned logits",
        "distillation", "distillation", "logit-matching");

    private readonly Option<float> _temperature = OptionFactory.Number<float>(
        "--temperature", "T", "Softens the probabilities of teacher and student alike, softmax(logits / T).", Defaults.Temperature,
        TeacherOptions.IsTemperature, "a finite number above 0");

    private readonly Option<float> _softWeight = OptionFactory.Number<float>(
        "--soft-weight", "X", "Weight of learning from the teacher's probabilities.", Defaults.SoftWeight, NotNegative, "a finite number of at least 0");

    private readonly Option<float> _hardWeight = OptionFactory.Number<float>(
        "--hard-weight", "X", "Weight of learning from the correct labels.", Defaults.HardWeight, NotNegative, "a finite number of at least 0");

    private readonly Option<bool> _noSquare = new("--no-temperature-squared")
    {
        Description = "Leave out the factor T^2 that keeps the two weights' balance as it is when T changes.",
    };

    private readonly Option<float> _labelBlend = OptionFactory.Number<float>(
        "--label-blend", "X", "Share of the soft target that goes to the correct label.", Defaults.LabelBlend, x => x is >= 0 and <= 1, "from 0 to 1");

    private readonly Option<float> _labelSmoothing = OptionFactory.Number<float>(
        "--label-smoothing", "X", "Share of the hard target spread evenly over all classes.", Defaults.LabelSmoothing,
        x => x is >= 0 and < 1, "at least 0 and below 1");

    private readonly Option<bool> _noZeroMean = new("--no-zero-mean")
    {
        Description = "Of logit-matching: match the logits as they are, their means included.",
    };

    public DistillationSettings AddTo(Command command)
    {
        foreach (Option option in (Option[])[
            _objective, _temperature, _softWeight, _hardWeight, _noSquare, _labelBlend, _labelSmoothing, _noZeroMean])
        {
            command.Add(option);
        }

        return this;
    }

    /// <summary>The settings of distillation; null if logits are to be matched.</summary>
    public DistillationOptions? Read(ParseResult parsed)
    {
        if (MatchesLogits(parsed))
        {
            parsed.RefuseWithout(
                "--objective distillation", _temperature, _softWeight, _hardWeight, _noSquare, _labelBlend, _labelSmoothing);
            return null;
        }

        parsed.RefuseWithout("--objective logit-matching", _noZeroMean);
        DistillationOptions options = new()
        {
            Temperature = parsed.GetValue(_temperature),
            SoftWeight = parsed.GetValue(_softWeight),
            HardWeight = parsed.GetValue(_hardWeight),
            ScaleByTemperatureSquared = !parsed.GetValue(_noSquare),
            LabelBlend = parsed.GetValue(_labelBlend),
            LabelSmoothing = parsed.GetValue(_labelSmoothing),
        };
        if (options is { SoftWeight: 0, HardWeight: 0 })
            throw new InputException("--soft-weight and --hard-weight are both 0, so there is nothing to learn from.");
        float square = options.Temperature * options.Temperature;
        if (options.ScaleByTemperatureSquared && !(square > 0 && float.IsFinite(square)))
            throw new InputException($"--temperature '{options.Temperature}' has no square in single precision; choose another, or add --no-temperature-squared.");
        if (options.HardWeight == 0)
            parsed.RefuseWithout("--hard-weight above 0", _labelSmoothing);
        if (options.SoftWeight == 0)
            parsed.RefuseWithout("--soft-weight above 0", _temperature, _noSquare, _labelBlend);
        return options;
    }

    /// <summary>The settings of logit matching.</summary>
    public LogitMatchingOptions ReadMatching(ParseResult parsed) => new() { ZeroMean = !parsed.GetValue(_noZeroMean) };

    private bool MatchesLogits(ParseResult parsed) => parsed.GetRequiredValue(_objective) == "logit-matching";

    private static bool NotNegative(float value) => value >= 0 && float.IsFinite(value);
}
