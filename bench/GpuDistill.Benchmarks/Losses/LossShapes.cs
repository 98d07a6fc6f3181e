using GpuDistill.Benchmarks.Running;

namespace GpuDistill.Benchmarks.Losses;

/// <summary>Batches of logits: MNIST's, ImageNet's, a language model's.</summary>
internal static class LossShapes
{
    public static IEnumerable<Workload> Cases(int bytesPerElement, string mode = "") =>
    [
        Workload.Streaming(512, 10, bytesPerElement, mode),
        Workload.Streaming(4096, 1000, bytesPerElement, mode),
        Workload.Streaming(128, 32000, bytesPerElement, mode),
    ];

    public static int[] Labels(Workload workload)
    {
        Random random = new(5);
        return [.. Enumerable.Range(0, workload.Rows).Select(_ => random.Next(workload.Columns))];
    }
}
