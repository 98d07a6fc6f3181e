namespace GpuDistill.Experiments;

/// <summary>
/// A unit of work that is done once and stored: one training, say, with what was measured. Experiments that need the same run
/// share it by its key.
/// </summary>
internal abstract class Run
{
    /// <summary>The name of its file: lower-case letters, digits, dots and hyphens.</summary>
    public required string Key { get; init; }

    /// <summary>What is being done, for whoever waits for it.</summary>
    public required string Title { get; init; }

    /// <summary>Runs whose networks this one loads.</summary>
    public virtual IReadOnlyList<TrainingRun> Needs => [];

    /// <summary>About how many multiply-adds it takes; only the proportions matter.</summary>
    public abstract double Work { get; }

    /// <summary>Everything of its own that decides its result.</summary>
    public abstract IReadOnlyDictionary<string, string> Settings { get; }

    /// <summary>Does the work.</summary>
    /// <returns>What was measured, by name.</returns>
    public abstract IReadOnlyDictionary<string, double> Do(Workshop workshop);

    /// <summary>What a log line says of its result.</summary>
    public virtual string Describe(IReadOnlyDictionary<string, double> measures) => "done";
}
