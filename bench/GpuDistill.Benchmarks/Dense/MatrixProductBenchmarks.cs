using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Dense;

/// <summary>Operations: a multiplication and an addition per term.</summary>
public class MatrixProductBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases => [Workload.Product(256, 256, 256), Workload.Product(1024, 1024, 1024)];

    private protected override Launch Bind() => MatrixProduct.Bind(
        Kernels,
        Matrix(Case.Rows, Case.Inner, 1),
        Matrix(Case.Inner, Case.Columns, 2),
        Matrix(Case.Rows, Case.Columns, 3));
}
