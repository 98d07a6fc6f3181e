using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Optimizers;

/// <summary>With momentum. Bytes: parameter, gradient and velocity read, parameter and velocity written.</summary>
public class SgdBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases => ParameterCounts.Cases(bytesPerElement: 20);

    private protected override Launch Bind() => Sgd.Bind(
        Kernels,
        Values(Case.Length, 1),
        Values(Case.Length, 2),
        Values(Case.Length, 3),
        Buffer(new StepState { LearningRate = ParameterCounts.LearningRate }));
}
