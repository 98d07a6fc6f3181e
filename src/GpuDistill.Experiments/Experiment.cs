namespace GpuDistill.Experiments;

/// <summary>An experiment laid out for a setup: which runs it needs, and what they mean.</summary>
internal abstract class Experiment
{
    /// <summary>All runs, in an order in which each comes after those it needs.</summary>
    public abstract IEnumerable<Run> Runs { get; }

    /// <summary>What the finished runs say, as tables, plots and sentences.</summary>
    public abstract IEnumerable<Block> Report(Results results);
}
