using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Optimizers;

/// <summary>Bytes: parameter, gradient and both moments read, parameter and both moments written.</summary>
public class AdamWBenchmarks : OperationBenchmarks
{
    public override IEnumerable<Workload> Cases => ParameterCounts.Cases(bytesPerElement: 28);

    private protected override Launch Bind() => AdamW.Bind(
        Kernels,
        Values(Case.Length, 1),
        Values(Case.Length, 2),
        Values(Case.Length, 3),
        Values(Case.Length, 4, range: 0),
        Buffer(new StepState { LearningRate = ParameterCounts.LearningRate }));
}
