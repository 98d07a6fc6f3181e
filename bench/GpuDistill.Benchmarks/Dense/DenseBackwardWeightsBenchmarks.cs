using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Dense;

/// <summary>Gradients of weights and biases. Operations: those of the product.</summary>
public class DenseBackwardWeightsBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases => LayerShapes.Cases;

    private protected override Launch Bind() => DenseBackwardWeights.Bind(
        Kernels,
        Matrix(Case.Rows, Case.Inner, 1),
        Matrix(Case.Rows, Case.Columns, 2),
        Matrix(Case.Inner, Case.Columns, 3),
        Values(Case.Columns, 4));
}
