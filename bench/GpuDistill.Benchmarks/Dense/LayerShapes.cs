using GpuDistill.Benchmarks.Running;

namespace GpuDistill.Benchmarks.Dense;

/// <summary>A batch through the layers of the paper's MNIST network, 784-1200-1200-10: [rows x inner] by [inner x columns].</summary>
internal static class LayerShapes
{
    public static IEnumerable<Workload> Cases =>
        [Workload.Product(512, 784, 1200), Workload.Product(512, 1200, 1200), Workload.Product(512, 1200, 10)];
}
