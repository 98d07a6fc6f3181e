using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Dense;

/// <summary>With biases and ReLU. Operations: those of the product.</summary>
public class DenseForwardBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases => LayerShapes.Cases;

    private protected override Launch Bind() => DenseForward.Bind(
        Kernels,
        Matrix(Case.Rows, Case.Inner, 1),
        Matrix(Case.Inner, Case.Columns, 2),
        Values(Case.Columns, 3),
        Matrix(Case.Rows, Case.Columns, 4),
        Activation.Relu);
}
