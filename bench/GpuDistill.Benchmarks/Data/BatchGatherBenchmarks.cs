using GpuDistill.Benchmarks.Running;
using GpuDistill.Kernels;

namespace GpuDistill.Benchmarks.Data;

/// <summary>Shuffled batches of 28 x 28 images out of 60,000. Bytes: a pixel read as one byte and written as four.</summary>
public class BatchGatherBenchmarks : OperationBenchmarks
{
    private const int Images = 60_000;
    private const int Side = 28;
    private const string Plain = "plain";

    public override IEnumerable<Workload> Cases =>
        [Workload.Streaming(512, Side * Side, 5, Plain), Workload.Streaming(512, Side * Side, 5, "jitter + dropout")];

    private protected override Launch Bind()
    {
        byte[] pixels = new byte[Images * Side * Side];
        new Random(1).NextBytes(pixels);
        bool plain = Case.Mode == Plain;
        return BatchGather.Bind(
            Kernels,
            new BatchSource { Pixels = Buffer(pixels), Height = Side, Width = Side, Labels = Buffer(new int[Images]) },
            Buffer(default(StepState)),
            new BatchTarget<float>
            {
                Images = Matrix(Case.Rows, Case.Columns, 2),
                Rows = Buffer(new int[Case.Rows]),
                Labels = Buffer(new int[Case.Rows]),
            },
            new BatchOptions { Jitter = plain ? 0 : 2, InputDropout = plain ? 0 : 0.2f });
    }
}
