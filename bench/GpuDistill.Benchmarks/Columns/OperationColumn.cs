using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace GpuDistill.Benchmarks.Columns;

/// <summary>The operation's name, the same as that of the kernel and the test.</summary>
internal sealed class OperationColumn : IColumn
{
    private const string Suffix = "Benchmarks";

    public string Id => ColumnName;

    public string ColumnName => "Operation";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Job; // the first ones in the table

    public int PriorityInCategory => int.MinValue;

    public bool IsNumeric => false;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => "The operation that is launched";

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        string name = benchmarkCase.Descriptor.Type.Name;
        return name.EndsWith(Suffix, StringComparison.Ordinal) ? name[..^Suffix.Length] : name;
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
}
