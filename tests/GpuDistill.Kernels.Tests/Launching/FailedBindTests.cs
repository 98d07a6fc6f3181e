using GpuDistill.TestKit;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>What an operation allocated before it could not be bound is freed at once: who is short of memory cannot wait for a finalizer.</summary>
public sealed class FailedBindTests : IDisposable
{
    private static readonly Dictionary<string, Func<KernelContext, Func<int, int, Matrix<float>>, Launch>> Losses = new()
    {
        [nameof(DistillationLoss)] = (c, allocate) => Distillation(c, allocate, 10),
        ["DistillationLoss, rows"] = (c, allocate) => Distillation(c, allocate, 1000),
        ["DistillationLoss, parts"] = (c, allocate) => Distillation(c, allocate, 10_000),
        [nameof(LogitMatching)] = (c, allocate) => Matching(c, allocate, 10),
        ["LogitMatching, rows"] = (c, allocate) => Matching(c, allocate, 1000),
        [nameof(CrossEntropy)] = (c, allocate) => CrossEntropy.Bind(
            c, allocate(4, 10), allocate(1, 4).Data.Cast<int>(), new DistillationOutputs<float> { Gradient = allocate(4, 10) }),
    };

    private static readonly Dictionary<string, Func<KernelContext, Func<int, int, Matrix<BFloat16>>, Launch>> Products = new()
    {
        [nameof(MatrixProduct)] = (c, allocate) => MatrixProduct.Bind(c, allocate(4, 6), allocate(6, 8), allocate(4, 8)),
        [nameof(DenseForward)] = (c, allocate) => DenseForward.Bind(
            c, allocate(4, 6), allocate(6, 8), allocate(2, 8).Data.Cast<float>(), allocate(4, 8), Activation.Gelu, null, allocate(4, 8)),
        [nameof(DenseBackwardInput)] = (c, allocate) => DenseBackwardInput.Bind(
            c, allocate(4, 8), allocate(6, 8), allocate(4, 6), new Producer<BFloat16>(Activation.Gelu, allocate(4, 6), allocate(4, 6), null)),
        [nameof(DenseBackwardWeights)] = (c, allocate) => DenseBackwardWeights.Bind(
            c, allocate(4, 6), allocate(4, 8), new Matrix<float>(allocate(12, 8).Data.Cast<float>(), 6, 8), allocate(2, 8).Data.Cast<float>()),
    };

    private readonly Context _context = Context.Create(builder => KernelContext.Prepare(builder, AcceleratorType.CPU).CPU(new CPUDevice(32, 8, 1)));
    private readonly Accelerator _accelerator;
    private readonly List<MemoryBuffer> _buffers = [];

    public FailedBindTests() => _accelerator = _context.CreateCPUAccelerator(0);

    public static TheoryData<string, bool> LossCases => new(Losses.Keys.SelectMany(name => (TheoryDataRow<string, bool>[])[new(name, false), new(name, true)]));

    public static TheoryData<string> ProductNames => [.. Products.Keys];

    public void Dispose()
    {
        foreach (MemoryBuffer buffer in _buffers)
            buffer.Dispose();
        _accelerator.Dispose();
        _context.Dispose();
    }

    [Theory]
    [MemberData(nameof(LossCases))]
    public void A_loss(string name, bool cuda) => FreesAll(cuda, context => Losses[name](context, Allocate<float>));

    // On a device without tensor cores, where copies in single precision are what is allocated.
    [Theory]
    [MemberData(nameof(ProductNames))]
    public void A_product_in_bf16(string name) => FreesAll(cuda: false, context => Products[name](context, Allocate<BFloat16>));

    [Fact]
    public void A_launch_before_it_in_a_sequence()
    {
        using KernelContext context = new(_accelerator, KernelVariant.Portable);
        int live = LiveBuffers.Of(_accelerator);
        Assert.Throws<NotSupportedException>(() => new LaunchSequence(Failing()));
        Assert.Throws<NotSupportedException>(() => new ForkedLaunch("Fork", Failing().Select(launch => (launch, false))));
        Assert.Equal(live + _buffers.Count, LiveBuffers.Of(_accelerator));

        IEnumerable<Launch> Failing()
        {
            yield return Products[nameof(MatrixProduct)](context, Allocate<BFloat16>);
            throw new NotSupportedException();
        }
    }

    [Fact]
    public void A_buffer_before_one_for_which_there_is_no_memory()
    {
        int live = LiveBuffers.Of(_accelerator);
        BufferGroup group = new(_accelerator);
        group.Allocate<float>(100);
        group.Allocate([1, 2, 3]);
        Assert.Equal(live + 2, LiveBuffers.Of(_accelerator));
        Assert.ThrowsAny<Exception>(() => group.Allocate<long>(long.MaxValue / 16));
        Assert.Equal(live, LiveBuffers.Of(_accelerator));
    }

    [Fact]
    public void Products_keep_their_packing_memory_where_there_is_none_for_another()
    {
        using PackingMemory packing = new();
        packing.Reserve(100, 100);
        Assert.Throws<OutOfMemoryException>(() => packing.Reserve(long.MaxValue / 16, 200));
        unsafe
        {
            Assert.True(packing.Left != null);
            packing.Left[99] = packing.Right[99] = 1;
        }
    }

    private static Launch Distillation(KernelContext context, Func<int, int, Matrix<float>> allocate, int classes) => DistillationLoss.Bind(
        context, Inputs(allocate, classes), Outputs(allocate, classes), new DistillationOptions { Reduction = Reduction.Mean });

    private static Launch Matching(KernelContext context, Func<int, int, Matrix<float>> allocate, int classes) => LogitMatching.Bind(
        context, Inputs(allocate, classes), Outputs(allocate, classes), new LogitMatchingOptions { Reduction = Reduction.Mean });

    private static DistillationInputs<float> Inputs(Func<int, int, Matrix<float>> allocate, int classes) =>
        new() { Student = allocate(4, classes), Teacher = allocate(4, classes), Labels = allocate(1, 4).Data.Cast<int>() };

    private static DistillationOutputs<float> Outputs(Func<int, int, Matrix<float>> allocate, int classes) =>
        new() { Gradient = allocate(4, classes), Totals = allocate(1, 16).Data.Cast<LossTotals>().SubView(0, 1) };

    // Refuses each kernel in turn until all load.
    private void FreesAll(bool cuda, Func<KernelContext, Launch> bind)
    {
        for (int kernels = 0; ; kernels++)
        {
            RefusingLoader loader = new(kernels);
            using KernelContext context = cuda
                ? KernelContext.EmulatingCuda(_accelerator, MatrixPrecision.Exact, null, loader: loader)
                : new KernelContext(_accelerator, KernelVariant.Portable) { Loader = loader };
            int own = LiveBuffers.Of(_accelerator) - _buffers.Count;
            Launch? launch = null;
            try
            {
                launch = bind(context);
            }
            catch (NotSupportedException exception) when (exception.Message.StartsWith("Kernel ", StringComparison.Ordinal))
            {
                Assert.Equal(own, LiveBuffers.Of(_accelerator) - _buffers.Count);
            }

            if (launch is null)
                continue;
            Assert.True(LiveBuffers.Of(_accelerator) - _buffers.Count > own, "it allocates nothing, so there is nothing to test");
            launch.Dispose();
            Assert.Equal(own, LiveBuffers.Of(_accelerator) - _buffers.Count);
            Assert.True(kernels > 0);
            return;
        }
    }

    private Matrix<T> Allocate<T>(int rows, int columns)
        where T : unmanaged
    {
        MemoryBuffer1D<T, Stride1D.Dense> buffer = _accelerator.Allocate1D<T>(rows * columns);
        _buffers.Add(buffer);
        return new Matrix<T>(buffer.View, rows, columns);
    }
}
