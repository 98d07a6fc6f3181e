using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using GpuDistill.Benchmarks.Running;

namespace GpuDistill.Benchmarks.Columns;

/// <summary>A column that follows from a case's work and its mean time.</summary>
internal abstract class WorkloadColumn(string name, string legend) : IColumn
{
    public string Id => name;

    public string ColumnName => name;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public virtual int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => legend;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, SummaryStyle.Default);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
    {
        Workload workload = (Workload)benchmarkCase.Parameters[nameof(OperationBenchmarks.Case)];
        double? value = summary[benchmarkCase]?.ResultStatistics is { } statistics
            ? Value(benchmarkCase.Descriptor.Type, workload, statistics.Mean * 1e-9)
            : null;
        return value is null ? "-" : value.Value.ToString(value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);
    }

    /// <summary>The value, or null where the column says nothing of this case.</summary>
    protected abstract double? Value(Type type, Workload workload, double seconds);
}
