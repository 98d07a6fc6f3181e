using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Dense;

/// <summary>Through a ReLU layer before it. Operations: those of the product.</summary>
public class DenseBackwardInputBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases => LayerShapes.Cases;

    private protected override Launch Bind() => DenseBackwardInput.Bind(
        Kernels,
        Matrix(Case.Rows, Case.Columns, 1),
        Matrix(Case.Inner, Case.Columns, 2),
        Matrix(Case.Rows, Case.Inner, 3),
        new Producer<float>(Activation.Relu, Matrix(Case.Rows, Case.Inner, 4)));
}
