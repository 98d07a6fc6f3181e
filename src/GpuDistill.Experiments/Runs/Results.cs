namespace GpuDistill.Experiments;

/// <summary>The records of finished runs.</summary>
internal sealed class Results
{
    private readonly Dictionary<string, RunRecord> _records = [];

    public IReadOnlyDictionary<string, RunRecord> Records => _records;

    public void Add(RunRecord record) => _records[record.Key] = record;

    /// <summary>Whether a run's training diverged.</summary>
    public bool Diverged(Run run) => _records[run.Key].Measures.ContainsKey(Measure.Diverged);

    /// <summary>One measure of one run.</summary>
    public double Value(Run run, string measure) => _records[run.Key].Measures[measure];

    /// <summary>One measure of several runs, in their order.</summary>
    public Sample Sample(IEnumerable<Run> runs, string measure = Measure.TestErrors) => new([.. runs.Select(run => Value(run, measure))]);
}
