using BenchmarkDotNet.Attributes;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Benchmarks.Running;

/// <summary>
/// One operation, bound once per case and launched over and over on the same buffers, as a training step does. Several
/// launches go to the stream before it is waited for, so that a GPU's time per launch is not the time of a wait.
/// </summary>
public abstract class OperationBenchmarks
{
    private const int LaunchesPerWait = 16;

    private readonly List<IDisposable> _owned = [];
    private Launch? _launch;

    /// <summary>The cases, as BenchmarkDotNet asks for them.</summary>
    public abstract IEnumerable<Workload> Cases { get; }

    /// <summary>The case that is measured.</summary>
    [ParamsSource(nameof(Cases))]
    public Workload Case { get; set; } = new(1);

    private protected DistillDevice Device => field ??= BenchmarkSettings.OpenDevice();

    private protected KernelContext Kernels => Device.Kernels;

    [GlobalSetup]
    public void Setup()
    {
        _launch = Bind();
        _launch.Run(Device.Stream);
        Device.Stream.Synchronize();
        if (Case.Bytes > 0)
            CopyBandwidth.Record(GetType(), Case, CopyBandwidth.Measure(Device, Case.Bytes));
    }

    [Benchmark(OperationsPerInvoke = LaunchesPerWait)]
    public void Launch()
    {
        Launch launch = _launch!;
        AcceleratorStream stream = Device.Stream;
        for (int i = 0; i < LaunchesPerWait; i++)
            launch.Run(stream);
        stream.Synchronize();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _launch?.Dispose();
        foreach (IDisposable owned in _owned)
            owned.Dispose();
        Device.Dispose();
    }

    /// <summary>Allocates the buffers and binds the operation for <see cref="Case"/>.</summary>
    private protected abstract Launch Bind();

    /// <summary>A buffer of seeded values from -range to range.</summary>
    private protected ArrayView<float> Values(long length, int seed, float range = 1)
    {
        Random random = new(seed);
        float[] values = new float[length];
        for (long i = 0; i < length; i++)
            values[i] = ((2 * random.NextSingle()) - 1) * range;
        return Buffer(values);
    }

    private protected Matrix<float> Matrix(int rows, int columns, int seed, float range = 1) =>
        new(Values((long)rows * columns, seed, range), rows, columns);

    private protected ArrayView<T> Buffer<T>(params T[] values)
        where T : unmanaged
    {
        MemoryBuffer1D<T, Stride1D.Dense> buffer = Device.Accelerator.Allocate1D<T>(values.Length);
        _owned.Add(buffer);
        buffer.View.CopyFromCPU(Device.Stream, values);
        Device.Stream.Synchronize();
        return buffer.View;
    }
}
