namespace GpuDistill.Experiments;

/// <summary>A run's file.</summary>
/// <param name="Key">The run.</param>
/// <param name="Settings">All that decides the result: a record with other settings is of another run.</param>
/// <param name="Measures">What was measured.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Finished">When it was done, UTC.</param>
internal sealed record RunRecord(
    string Key,
    IReadOnlyDictionary<string, string> Settings,
    IReadOnlyDictionary<string, double> Measures,
    double Seconds,
    DateTimeOffset Finished);
