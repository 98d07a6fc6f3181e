using System.Diagnostics;
using GpuDistill.Kernels;

namespace GpuDistill.Cli;

/// <summary>A training that can be interrupted and resumed, with its files: what train and distill do alike.</summary>
internal sealed class TrainingRun
{
    public const string CheckpointName = "checkpoint.safetensors";

    private const string ResultName = "result.json";

    private readonly Session _session;
    private readonly CommandOutput _console;
    private readonly OutputDirectory _directory;
    private readonly Trainer _trainer;
    private readonly TrainingPlan _plan;
    private TrainingResult? _result;
    private TimeSpan _elapsed;
    private TrainingReports? _reports;

    /// <param name="session">What was asked for.</param>
    /// <param name="console">Where words go.</param>
    /// <param name="directory">Where files go.</param>
    /// <param name="trainer">The training, bound.</param>
    /// <param name="plan">Its settings.</param>
    public TrainingRun(Session session, CommandOutput console, OutputDirectory directory, Trainer trainer, TrainingPlan plan)
    {
        _session = session;
        _console = console;
        _directory = directory;
        _trainer = trainer;
        _plan = plan;
        if (plan.Checkpoint is not { } checkpoint)
            return;
        TellInOptions(() => trainer.LoadCheckpoint(checkpoint));
        if (trainer.Step == trainer.Steps)
            throw new InputException($"--resume {checkpoint}: this training is finished; it stands at its last step, {trainer.Steps}.");
        console.Say($"Going on from step {Units.Count(trainer.Step)} of {Units.Count(trainer.Steps)}.");
    }

    /// <summary>All that may be written.</summary>
    public static OutputFiles Files { get; } = new(SavedModel.FileName, ResultName)
    {
        Checkpoint = CheckpointName,
        Unfinished = [SavedModel.UnfinishedName],
    };

    private string CheckpointPath => _directory.PathOf(CheckpointName);

    /// <summary>Compares with a checkpoint; what differs is told in the words of the command line.</summary>
    public static void TellInOptions(Action compare)
    {
        try
        {
            compare();
        }
        catch (ModelFileException exception)
        {
            throw new InputException(OptionNames.InsteadOfProperties(exception.Message));
        }
    }

    /// <summary>Trains, writes the model, measures it and tells the result.</summary>
    /// <param name="report">What is known of the run before it begins.</param>
    /// <param name="board">Where progress goes.</param>
    /// <param name="phase">The training's phase on it.</param>
    /// <param name="parts">What to measure on.</param>
    /// <returns>The exit code.</returns>
    public int Run(TrainingReport report, PhaseBoard board, Phase phase, ImageSplit parts)
    {
        if (!Train(board, phase))
            return ExitCode.Interrupted;
        Evaluation evaluation;
        try
        {
            evaluation = parts.Measure(_trainer.Network, _session.Cancellation);
        }
        catch (OperationCanceledException)
        {
            _console.Warn($"Interrupted while counting errors; the training was over. Kept: {_directory.PathOf(SavedModel.FileName)}");
            return ExitCode.Interrupted;
        }

        TrainingReport result = report with
        {
            Seconds = JsonText.Seconds(_elapsed),
            ImagesPerSecond = Math.Round(_result!.ImagesPerSecond),
            TrainingLoss = JsonText.Measured(_result.Loss),
            MeasuredOn = parts.MeasuredOn,
            Images = evaluation.Count,
            Errors = evaluation.Errors,
            CrossEntropy = JsonText.Measured(evaluation.CrossEntropy),
            Warning = TrainingDoubts.Of(_reports!.FirstLoss, _result.Loss, evaluation),
        };
        string path = _directory.WriteJson(ResultName, result);
        Show(result, path);
        _console.Result(result);
        return ExitCode.Done;
    }

    // Interrupted, it keeps the model as far as it came and a checkpoint, and returns false.
    private bool Train(PhaseBoard board, Phase phase)
    {
        long start = Stopwatch.GetTimestamp();
        _reports = new TrainingReports(board, _trainer, CheckpointPath, _plan.CheckpointInterval);
        try
        {
            _console.Watch(board, () => board.Run(phase, () => Train(phase)));
        }
        catch (OperationCanceledException)
        {
            TellWhatIsKept();
            return false;
        }

        _elapsed = Stopwatch.GetElapsedTime(start);
        Write(() => _directory.WriteModel(SavedModel.FileName, _trainer.Network));
        File.Delete(CheckpointPath); // of earlier parts of this training
        File.Delete(_directory.PathOf(SavedModel.UnfinishedName));
        return true;
    }

    private void Train(Phase phase)
    {
        try
        {
            _result = _trainer.Run(phase.Name, _reports, _session.Cancellation);
        }
        catch (OperationCanceledException)
        {
            if (_trainer.Step > 0)
                Write(Keep); // before anything is shown: the terminal may be gone
            throw;
        }
        catch (InvalidRowException) when (_reports!.KeptStep is not null)
        {
            File.Delete(CheckpointPath); // going on from it would end the same way
            throw;
        }
    }

    private void Keep()
    {
        _trainer.SaveCheckpoint(CheckpointPath);
        _reports!.KeptStep = _trainer.Step;
        _directory.WriteModel(SavedModel.UnfinishedName, _trainer.Network);
    }

    // A disk may be full at the end of a long training: what was kept on the way is all there is then.
    private void Write(Action write)
    {
        try
        {
            write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            string kept = _reports!.KeptStep is { } step
                ? $"Kept: {CheckpointPath}, step {Units.Count(step)} of {Units.Count(_trainer.Steps)}; go on with: {_session.ResumeCommand(CheckpointPath)}"
                : "Nothing of this training is kept.";
            throw new IOException($"{exception.Message.TrimEnd('.')}. {kept}", exception);
        }
    }

    private void Show(TrainingReport report, string path)
    {
        _console.Tell("");
        _console.Conclude(
            $"{Units.Counted(report.Errors, "error")} on {Units.Count(report.Images)} {report.MeasuredOn} images "
            + $"({Units.Percent((double)report.Errors / report.Images)}), cross entropy {Units.Loss(report.CrossEntropy ?? double.NaN)}, "
            + $"{Units.Count(report.Parameters)} parameters, {Units.Seconds(_elapsed)}.");
        _console.Tell($"Written: {_directory.PathOf(SavedModel.FileName)}, {path}");
        if (report.Warning is { } warning)
            _console.Caution(warning);
    }

    private void TellWhatIsKept()
    {
        if (_trainer.Step == 0)
        {
            _console.Warn("Interrupted before the first step; nothing was written.");
            return;
        }

        _console.Warn(
            $"Interrupted after step {Units.Count(_trainer.Step)} of {Units.Count(_trainer.Steps)}. "
            + $"Kept: {_directory.PathOf(SavedModel.UnfinishedName)}, {CheckpointPath}");
        _console.Warn($"Go on with: {_session.ResumeCommand(CheckpointPath)}");
    }
}

/// <summary>The settings of a training on the command line.</summary>
/// <param name="Options">How it trains.</param>
/// <param name="Checkpoint">A checkpoint to go on from; null to begin.</param>
/// <param name="CheckpointInterval">Time between two checkpoints; null for none before the end.</param>
internal sealed record TrainingPlan(TrainingOptions Options, string? Checkpoint, TimeSpan? CheckpointInterval)
{
    /// <summary>What is read besides the images.</summary>
    public IEnumerable<InputFile> Inputs => Checkpoint is null ? [] : [new InputFile("--resume", Checkpoint)];
}
