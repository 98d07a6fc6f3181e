using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Losses;

/// <summary>Forward and backward. Bytes: a student's and a teacher's logit read, a gradient written.</summary>
public class LogitMatchingBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases => LossShapes.Cases(bytesPerElement: 12);

    private protected override Launch Bind() => LogitMatching.Bind(
        Kernels,
        new DistillationInputs<float>
        {
            Student = Matrix(Case.Rows, Case.Columns, 1, 8),
            Teacher = Matrix(Case.Rows, Case.Columns, 2, 8),
            Labels = Buffer(LossShapes.Labels(Case)),
        },
        new DistillationOutputs<float>
        {
            Gradient = Matrix(Case.Rows, Case.Columns, 3),
            Totals = Buffer<LossTotals>(default(LossTotals)),
        });
}
