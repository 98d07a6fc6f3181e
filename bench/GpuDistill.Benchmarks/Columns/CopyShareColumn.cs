using GpuDistill.Benchmarks.Running;

namespace GpuDistill.Benchmarks.Columns;

/// <summary>The operation's bandwidth in units of a copy's.</summary>
internal sealed class CopyShareColumn()
    : WorkloadColumn("of copy", "GB/s relative to a copy of the same number of bytes on all workers, measured in the same process")
{
    public override int PriorityInCategory => 1;

    protected override double? Value(Type type, Workload workload, double seconds) =>
        workload.Bytes == 0 ? null : workload.Bytes / seconds / CopyBandwidth.Find(type, workload);
}
