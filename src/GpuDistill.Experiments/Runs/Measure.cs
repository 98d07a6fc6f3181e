namespace GpuDistill.Experiments;

/// <summary>The names of what training runs measure.</summary>
internal static class Measure
{
    public const string TestErrors = "testErrors";
    public const string TestCrossEntropy = "testCrossEntropy";
    public const string ValidationErrors = "validationErrors";
    public const string TrainingLoss = "trainingLoss";

    /// <summary>1 for a training whose logits became infinite or NaN; it has no errors then.</summary>
    public const string Diverged = "diverged";
}
