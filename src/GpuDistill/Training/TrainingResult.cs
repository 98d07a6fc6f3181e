namespace GpuDistill;

/// <summary>What a finished training says of itself.</summary>
/// <param name="Steps">Steps in all.</param>
/// <param name="Elapsed">Time of the last call of <see cref="Trainer.Run"/>.</param>
/// <param name="Loss">Mean loss of the last epoch; NaN where this trainer did no step of it.</param>
/// <param name="Accuracy">Share of labelled training rows predicted right in the last epoch, while training; NaN where there is none.</param>
/// <param name="ImagesPerSecond">Speed.</param>
public sealed record TrainingResult(long Steps, TimeSpan Elapsed, double Loss, double Accuracy, double ImagesPerSecond);
