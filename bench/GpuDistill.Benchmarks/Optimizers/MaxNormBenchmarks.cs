using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Optimizers;

/// <summary>
/// The layers of the paper's network and one that no cache holds. Bytes: the weights read once, as in all steps in which
/// no column is above the limit, which are nearly all.
/// </summary>
public class MaxNormBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases =>
        [Workload.Streaming(784, 1200, 4), Workload.Streaming(1200, 1200, 4), Workload.Streaming(4000, 4000, 4)];

    private protected override Launch Bind() => MaxNorm.Bind(Kernels, Matrix(Case.Rows, Case.Columns, 1), limit: 1000);
}
