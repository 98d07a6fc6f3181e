using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Losses;

/// <summary>Bytes: a logit read, a probability written; the second read of a row comes from cache.</summary>
public class TemperatureSoftmaxBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases => LossShapes.Cases(bytesPerElement: 8);

    private protected override Launch Bind() =>
        TemperatureSoftmax.Bind(Kernels, Matrix(Case.Rows, Case.Columns, 1, 8), Matrix(Case.Rows, Case.Columns, 2), temperature: 4);
}
