namespace GpuDistill.Tests.Training;

/// <summary>Does something at every report of progress, such as to cancel.</summary>
internal sealed class StepCounter(Action atFirstReport) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => atFirstReport();
}
