using System.Diagnostics;

namespace GpuDistill.Cli;

/// <summary>
/// A training's progress on its way to the board: every few minutes a checkpoint is written meanwhile, so that a lost machine costs
/// minutes and not hours.
/// </summary>
internal sealed class TrainingReports(PhaseBoard board, Trainer trainer, string checkpoint, TimeSpan? interval) : IProgress<TrainingProgress>
{
    private readonly long _firstStep = trainer.Step;
    private long _lastCheckpoint = Stopwatch.GetTimestamp();

    /// <summary>The loss that the training began with, over its first fraction of a second; NaN where it went on from a checkpoint.</summary>
    public double FirstLoss { get; private set; } = double.NaN;

    /// <summary>The step of the checkpoint that this run wrote last; null before the first.</summary>
    public long? KeptStep { get; set; }

    public void Report(TrainingProgress value)
    {
        if (_firstStep == 0 && double.IsNaN(FirstLoss))
            FirstLoss = value.Loss;
        board.Report(value);
        if (interval is { } pause && value.Step < value.Steps && Stopwatch.GetElapsedTime(_lastCheckpoint) >= pause)
            Keep();
    }

    private void Keep()
    {
        try
        {
            trainer.SaveCheckpoint(checkpoint);
            KeptStep = trainer.Step;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The training is worth more than this checkpoint, and there may be room at the next or at the end, where failure is told.
        }

        _lastCheckpoint = Stopwatch.GetTimestamp();
    }
}
