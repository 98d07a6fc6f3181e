using GpuDistill.Benchmarks.Running;

namespace GpuDistill.Benchmarks.Columns;

/// <summary>Bytes moved per second.</summary>
internal sealed class BandwidthColumn() : WorkloadColumn("GB/s", "Bytes that a launch must move, each buffer counted once, per second")
{
    protected override double? Value(Type type, Workload workload, double seconds) =>
        workload.Bytes == 0 ? null : workload.Bytes / seconds * 1e-9;
}
