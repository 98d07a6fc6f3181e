using System.Collections.Immutable;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using GpuDistill.Benchmarks.Columns;

namespace GpuDistill.Benchmarks.Running;

/// <summary>One table for all operations that were run, by name, the cases of each by size.</summary>
internal sealed class OperationConfig : ManualConfig
{
    public OperationConfig()
    {
        AddLogger(ConsoleLogger.Default);
        AddExporter(MarkdownExporter.GitHub, JsonExporter.FullCompressed);
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumn(new OperationColumn(), new BandwidthColumn(), new CopyShareColumn(), new ArithmeticColumn());
        AddColumnProvider(
            DefaultColumnProviders.Job, DefaultColumnProviders.Params, DefaultColumnProviders.Statistics, DefaultColumnProviders.Metrics);
        HideColumns(Column.Gen0, Column.Gen1, Column.Gen2);
        WithOptions(ConfigOptions.JoinSummary);
        WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(40));
        WithOrderer(new BySize());
    }

    private sealed class BySize() : DefaultOrderer(SummaryOrderPolicy.Declared)
    {
        public override IEnumerable<BenchmarkCase> GetSummaryOrder(ImmutableArray<BenchmarkCase> benchmarksCases, Summary summary) =>
            from benchmarkCase in benchmarksCases
            let workload = (Workload)benchmarkCase.Parameters[nameof(OperationBenchmarks.Case)]
            orderby benchmarkCase.Descriptor.Type.Name, workload.Mode, workload.Length
            select benchmarkCase;
    }
}
