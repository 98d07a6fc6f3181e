using GpuDistill.Benchmarks.Running;

namespace GpuDistill.Benchmarks.Columns;

/// <summary>Floating-point operations per second.</summary>
internal sealed class ArithmeticColumn() : WorkloadColumn("GFLOP/s", "Additions and multiplications of the matrix product per second")
{
    public override int PriorityInCategory => 2;

    protected override double? Value(Type type, Workload workload, double seconds) =>
        workload.Operations == 0 ? null : workload.Operations / seconds * 1e-9;
}
