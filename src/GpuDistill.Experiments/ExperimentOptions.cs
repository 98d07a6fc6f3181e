namespace GpuDistill.Experiments;

/// <summary>Which experiments are done, and how.</summary>
public sealed record ExperimentOptions
{
    /// <summary>The experiments, in the order of the report; each once.</summary>
    public required IReadOnlyList<ExperimentInfo> Experiments { get; init; }

    /// <summary>Where finished runs are kept and the report is written.</summary>
    public required string Directory { get; init; }

    /// <summary>A smaller teacher and shorter trainings.</summary>
    public bool Quick { get; init; }

    /// <summary>Seeds per setting; null for as many as the recipe has.</summary>
    public int? Seeds { get; init; }

    /// <summary>Replaces the recipe, for tests.</summary>
    internal Recipe? Recipe { get; init; }
}
