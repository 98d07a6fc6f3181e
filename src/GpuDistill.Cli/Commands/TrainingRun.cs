using System.Diagnostics;

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
    private readonly TrainingOptions _options;
    private TrainingResult? _result;
    private TimeSpan _elapsed;

    /// <param name="session">What was asked for.</param>
    /// <param name="console">Where words go.</param>
    /// <param name="directory">Where files go.</param>
    /// <param name="trainer">The training, bound.</param>
    /// <param name="options">Its settings.</param>
    /// <param name="checkpoint">A checkpoint to go on from; null to begin.</param>
    public TrainingRun(
        Session session, CommandOutput console, OutputDirectory directory, Trainer trainer, TrainingOptions options, string? checkpoint)
    {
        _session = session;
        _console = console;
        _directory = directory;
        _trainer = trainer;
        _options = options;
        if (checkpoint is null)
            return;
        TellInOptions(() => trainer.LoadCheckpoint(checkpoint));
        if (trainer.Step == trainer.Steps)
            throw new InputException($"--resume {checkpoint}: this training is finished; it stands at its last step, {trainer.Steps}.");
        console.Say($"Going on from step {Units.Count(trainer.Step)} of {Units.Count(trainer.Steps)}.");
    }

    /// <summary>All that may be written.</summary>
    public static IReadOnlyList<string> Files => [SavedModel.FileName, CheckpointName, ResultName];

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
    /// <param name="command">The command's name, for the report.</param>
    /// <param name="board">Where progress goes.</param>
    /// <param name="phase">The training's phase on it.</param>
    /// <param name="parts">What to measure on.</param>
    /// <param name="distillation">What the student learnt from; asked when the training is over.</param>
    /// <returns>The exit code.</returns>
    public int Run(string command, PhaseBoard board, Phase phase, ImageSplit parts, Func<DistillationReport>? distillation = null)
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

        TrainingReport report = Report(command, parts, evaluation) with { Distillation = distillation?.Invoke() };
        _directory.WriteJson(ResultName, report);
        Show(report);
        _console.Result(report);
        return ExitCode.Done;
    }

    // Interrupted, it keeps the model as far as it came and a checkpoint, and returns false.
    private bool Train(PhaseBoard board, Phase phase)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            _console.Watch(board, () => board.Run(phase, () =>
                _result = _trainer.Run(phase.Name, board, _session.Cancellation)));
        }
        catch (OperationCanceledException)
        {
            Keep();
            return false;
        }

        _elapsed = Stopwatch.GetElapsedTime(start);
        _directory.WriteModel(SavedModel.FileName, _trainer.Network);
        File.Delete(_directory.PathOf(CheckpointName)); // of an earlier, interrupted part of this training
        return true;
    }

    private TrainingReport Report(string command, ImageSplit parts, Evaluation evaluation) => new()
    {
        Command = command,
        Device = _trainer.Network.Device.Info.ToString(),
        Layers = _trainer.Network.Shape.ToString(),
        Activation = _trainer.Network.Shape.Activation.ToString().ToLowerInvariant(),
        Parameters = _trainer.Network.Shape.Parameters,
        Seed = _options.Seed,
        Epochs = _options.Epochs,
        Steps = _trainer.Steps,
        TrainingImages = parts.Train.Length,
        Seconds = JsonText.Seconds(_elapsed),
        ImagesPerSecond = Math.Round(_result!.ImagesPerSecond),
        TrainingLoss = JsonText.Measured(_result.Loss),
        MeasuredOn = parts.MeasuredOn,
        Images = evaluation.Count,
        Errors = evaluation.Errors,
        CrossEntropy = JsonText.Measured(evaluation.CrossEntropy),
        Model = _directory.PathOf(SavedModel.FileName),
    };

    private void Show(TrainingReport report)
    {
        _console.Tell("");
        _console.Conclude(
            $"{Units.Counted(report.Errors, "error")} on {Units.Count(report.Images)} {report.MeasuredOn} images "
            + $"({Units.Percent((double)report.Errors / report.Images)}), cross entropy {Units.Loss(report.CrossEntropy ?? double.NaN)}, "
            + $"{Units.Count(report.Parameters)} parameters, {Units.Seconds(_elapsed)}.");
        _console.Tell($"Written: {report.Model}");
    }

    private void Keep()
    {
        if (_trainer.Step == 0)
        {
            _console.Warn("Interrupted before the first step; nothing was written.");
            return;
        }

        string checkpoint = _directory.PathOf(CheckpointName);
        _trainer.SaveCheckpoint(checkpoint);
        string model = _directory.WriteModel(SavedModel.FileName, _trainer.Network);
        _console.Warn($"Interrupted after step {Units.Count(_trainer.Step)} of {Units.Count(_trainer.Steps)}. Kept: {model}, {checkpoint}");
        _console.Warn($"Go on with: {_session.ResumeCommand(checkpoint)}");
    }
}
