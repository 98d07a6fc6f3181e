using System.Diagnostics;

namespace GpuDistill.Cli;

/// <summary>The phases of a command, in order, and how far each is: what the live display and the plain lines show.</summary>
internal sealed class PhaseBoard : IProgress<TrainingProgress>
{
    private readonly List<Phase> _phases = [];
    private Phase? _current;

    public IReadOnlyList<Phase> Phases => _phases;

    /// <summary>Called whenever something changed.</summary>
    public Action<Phase> Changed { get; set; } = _ => { };

    /// <summary>Announces a phase.</summary>
    /// <param name="name">What is done.</param>
    /// <param name="detail">To what.</param>
    /// <param name="epochs">Passes over the data, or other parts that are counted; 0 where that means nothing.</param>
    /// <param name="unit">What such a part is called.</param>
    public Phase Add(string name, string detail, int epochs = 0, string unit = "epoch")
    {
        Phase phase = new(name, detail, epochs, unit);
        _phases.Add(phase);
        return phase;
    }

    /// <summary>Does the work of a phase; reports that come in meanwhile are its own.</summary>
    public void Run(Phase phase, Action work)
    {
        _current = phase;
        phase.Start();
        Changed(phase);
        try
        {
            work();
            phase.Finish(PhaseState.Done);
        }
        catch
        {
            phase.Finish(PhaseState.Stopped);
            throw;
        }
        finally
        {
            _current = null;
            Changed(phase);
        }
    }

    public void Report(TrainingProgress value)
    {
        if (_current is not { } phase)
            return;
        phase.Progress = value;
        Changed(phase);
    }
}

/// <summary>Where a phase stands.</summary>
internal enum PhaseState
{
    /// <summary>Its turn has not come.</summary>
    Waiting,

    /// <summary>At work.</summary>
    Running,

    /// <summary>Finished.</summary>
    Done,

    /// <summary>Ended early: interrupted or failed.</summary>
    Stopped,
}

/// <summary>One phase.</summary>
internal sealed class Phase(string name, string detail, int epochs, string unit = "epoch")
{
    private long _start;

    public string Name { get; } = name;

    public string Detail { get; set; } = detail;

    public int Epochs { get; } = epochs;

    /// <summary>The number of epochs in words.</summary>
    public string Extent => Units.Counted(Epochs, Unit);

    /// <summary>What an epoch is called.</summary>
    public string Unit { get; } = unit;

    /// <summary>Whether <see cref="Detail"/> says what the current epoch is about.</summary>
    public bool NamesEpochs => Unit != "epoch";

    /// <summary>Epochs that are over, where whoever does the work counts them.</summary>
    public int Finished { get; set; }

    public PhaseState State { get; private set; }

    /// <summary>The last report; null before the first.</summary>
    public TrainingProgress? Progress { get; set; }

    /// <summary>Its time, once it is over.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>The current epoch, from 1.</summary>
    public int Epoch => Progress?.Epoch ?? 1;

    /// <summary>Done steps as a share of all.</summary>
    public double Share => Progress is { Steps: > 0 } progress ? (double)progress.Step / progress.Steps : 0;

    public void Start()
    {
        State = PhaseState.Running;
        _start = Stopwatch.GetTimestamp();
    }

    public void Finish(PhaseState state)
    {
        State = state;
        Elapsed = Stopwatch.GetElapsedTime(_start);
    }

    /// <summary>Speed, loss and accuracy, as far as they are known.</summary>
    public IEnumerable<string> Figures()
    {
        if (Progress is not { } progress)
            yield break;
        if (double.IsFinite(progress.ImagesPerSecond))
            yield return $"{Units.Count(progress.ImagesPerSecond)} images/s";
        if (double.IsFinite(progress.Loss))
            yield return $"loss {Units.Loss(progress.Loss)}";
        if (double.IsFinite(progress.Accuracy))
            yield return $"accuracy {Units.Percent(progress.Accuracy)}";
    }
}
