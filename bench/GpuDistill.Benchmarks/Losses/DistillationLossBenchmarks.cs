using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Losses;

/// <summary>Bytes: a student's and a teacher's logit read; with the backward pass a gradient written.</summary>
public class DistillationLossBenchmarks : OperationBenchmarks
{
    private const string Forward = "forward";

    public override IEnumerable<Workload> Cases =>
        [.. LossShapes.Cases(bytesPerElement: 8, Forward), .. LossShapes.Cases(bytesPerElement: 12, "forward + backward")];

    private protected override Launch Bind() => DistillationLoss.Bind(
        Kernels,
        new DistillationInputs<float>
        {
            Student = Matrix(Case.Rows, Case.Columns, 1, 8),
            Teacher = Matrix(Case.Rows, Case.Columns, 2, 8),
            Labels = Buffer(LossShapes.Labels(Case)),
        },
        new DistillationOutputs<float>
        {
            Gradient = Case.Mode == Forward ? default : Matrix(Case.Rows, Case.Columns, 3),
            Totals = Buffer<LossTotals>(default(LossTotals)),
        });
}
