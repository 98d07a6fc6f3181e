using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Losses;

/// <summary>Forward and backward. Bytes: a logit read, a gradient written.</summary>
public class CrossEntropyBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases => LossShapes.Cases(bytesPerElement: 8);

    private protected override Launch Bind() => CrossEntropy.Bind(
        Kernels,
        Matrix(Case.Rows, Case.Columns, 1, 8),
        Buffer(LossShapes.Labels(Case)),
        new DistillationOutputs<float>
        {
            Gradient = Matrix(Case.Rows, Case.Columns, 2),
            Totals = Buffer<LossTotals>(default(LossTotals)),
        });
}
