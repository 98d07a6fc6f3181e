namespace GpuDistill;

/// <summary>How far a long operation is.</summary>
/// <param name="Phase">What is being done.</param>
/// <param name="Epoch">The current epoch, from 1.</param>
/// <param name="Epochs">Epochs in all.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="ImagesPerSecond">Speed since the start of this run.</param>
/// <param name="Loss">Mean loss of the current epoch so far, as the objective defines it; NaN where there is none.</param>
/// <param name="Accuracy">Share of labelled training rows predicted right in the current epoch so far; NaN where there is none.</param>
/// <param name="Remaining">Estimated time left.</param>
public readonly record struct TrainingProgress(
    string Phase,
    int Epoch,
    int Epochs,
    long Step,
    long Steps,
    double ImagesPerSecond,
    double Loss,
    double Accuracy,
    TimeSpan Remaining)
{
    /// <summary>True for the last report of an epoch.</summary>
    public bool IsEndOfEpoch { get; init; }
}
