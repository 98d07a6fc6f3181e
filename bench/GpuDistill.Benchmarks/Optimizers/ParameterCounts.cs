using GpuDistill.Benchmarks.Running;

namespace GpuDistill.Benchmarks.Optimizers;

/// <summary>The parameters of the paper's MNIST network, 784-1200-1200-10, and a number that no cache holds.</summary>
internal static class ParameterCounts
{
    public static IEnumerable<Workload> Cases(int bytesPerElement) =>
        [Workload.Streaming(2_395_210, 1, bytesPerElement), Workload.Streaming(16_000_000, 1, bytesPerElement)];

    /// <summary>A rate so small that thousands of steps leave ordinary numbers.</summary>
    public static float LearningRate => 1e-9f;
}
