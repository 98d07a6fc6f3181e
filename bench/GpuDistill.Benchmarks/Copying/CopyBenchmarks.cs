using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Copying;

/// <summary>The yardstick itself. Bytes: 4 read and 4 written per element.</summary>
public class CopyBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases =>
        [Workload.Streaming(512, 10, 8), Workload.Streaming(2_395_210, 1, 8), Workload.Streaming(16_000_000, 1, 8)];

    private protected override Launch Bind() => CopyLaunch.Bind(Kernels, Values(Case.Length, 1), Values(Case.Length, 2));
}
