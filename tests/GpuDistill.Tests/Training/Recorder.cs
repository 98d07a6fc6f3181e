namespace GpuDistill.Tests.Training;

/// <summary>Keeps what a training reports.</summary>
internal sealed class Recorder : IProgress<TrainingProgress>
{
    public List<TrainingProgress> Reports { get; } = [];

    public void Report(TrainingProgress value) => Reports.Add(value);
}
