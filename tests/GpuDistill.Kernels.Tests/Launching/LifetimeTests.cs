using System.Runtime.CompilerServices;
using GpuDistill.TestKit;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>A launch holds raw pointers; misuse must be an exception, and never a walk over memory that was freed.</summary>
public class LifetimeTests
{
    private static readonly KernelVariant[] CpuVariants =
        [KernelVariant.Simd512, KernelVariant.Simd256, KernelVariant.Simd128, KernelVariant.Portable];

    /// <summary>Every operation, over buffers of its own.</summary>
    private static readonly Dictionary<string, Func<KernelContext, Buffers, Launch>> Operations = new()
    {
        [nameof(StepClock)] = (c, b) => StepClock.Bind(c, b.Clock(), LearningRateSchedule.Constant(1)),
        [nameof(BatchGather)] = (c, b) => BatchGather.Bind(
            c,
            new BatchSource { Pixels = b.View<byte>(24), Height = 2, Width = 3, Labels = b.View<int>(4), Subset = b.View<int>(4) },
            b.Clock(),
            new BatchTarget<float> { Images = b.Matrix(4, 6), Rows = b.View<int>(4), Labels = b.View<int>(4) },
            new BatchOptions()),
        [nameof(MatrixProduct)] = (c, b) => MatrixProduct.Bind(c, b.Matrix(3, 4), b.Matrix(4, 5), b.Matrix(3, 5)),
        [nameof(DenseForward)] = (c, b) => DenseForward.Bind(
            c, b.Matrix(3, 4), b.Matrix(4, 5), b.View<float>(5), b.Matrix(3, 5), Activation.Gelu, new Dropout(0.5f, 1, 1, b.Clock()), b.Matrix(3, 5)),
        [nameof(DenseBackwardInput)] = (c, b) => DenseBackwardInput.Bind(
            c, b.Matrix(3, 5), b.Matrix(4, 5), b.Matrix(3, 4), new Producer<float>(Activation.Gelu, b.Matrix(3, 4), b.Matrix(3, 4), null)),
        [nameof(DenseBackwardWeights)] = (c, b) => DenseBackwardWeights.Bind(c, b.Matrix(3, 4), b.Matrix(3, 5), b.Matrix(4, 5), b.View<float>(5)),
        [nameof(TemperatureSoftmax)] = (c, b) => TemperatureSoftmax.Bind(c, b.Matrix(3, 5), b.Matrix(3, 5), 2),
        [nameof(DistillationLoss)] = (c, b) => DistillationLoss.Bind(c, Inputs(b) with { ClassWeights = b.View<float>(5) }, Outputs(b)),
        [nameof(LogitMatching)] = (c, b) => LogitMatching.Bind(c, Inputs(b), Outputs(b), new() { Reduction = Reduction.Mean }),
        [nameof(CrossEntropy)] = (c, b) => CrossEntropy.Bind(c, b.Matrix(3, 5), b.View<int>(3), Outputs(b)),
        [nameof(Sgd)] = (c, b) => Sgd.Bind(c, b.View<float>(7), b.View<float>(7), b.View<float>(7), b.Clock()),
        [nameof(AdamW)] = (c, b) => AdamW.Bind(c, b.View<float>(7), b.View<float>(7), b.View<float>(7), b.View<float>(7), b.Clock()),
        [nameof(MaxNorm)] = (c, b) => MaxNorm.Bind(c, b.Matrix(3, 5), 1),
        ["TeacherMean.Add"] = (c, b) => TeacherMean.BindAdd(c, b.Matrix(3, 5), b.View<int>(3), b.Matrix(3, 5), new() { Teachers = 2 }, 0),
        ["TeacherMean.Finish"] = (c, b) => TeacherMean.BindFinish(c, b.Matrix(3, 5), new() { Teachers = 2 }),
    };

    public static TheoryData<string> Names => [.. Operations.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_launch_keeps_its_buffers_from_being_collected(string operation)
    {
        foreach (KernelVariant variant in CpuVariants.Where(TestDevices.Get("cpu", KernelVariant.Auto).Supports))
        {
            KernelContext context = TestDevices.Get("cpu", variant);
            (Launch launch, IReadOnlyList<WeakReference> buffers) = Bind(context, operation);
            Collect();
            Assert.All(buffers, buffer => Assert.True(
                buffer.Target is MemoryBuffer { IsDisposed: false }, $"{operation}, {variant}: a buffer was collected"));
            launch.Run(context.Accelerator.DefaultStream);
            launch.Dispose();
            launch.Dispose();
            ObjectDisposedException exception = Assert.Throws<ObjectDisposedException>(() => launch.Run(context.Accelerator.DefaultStream));
            Assert.Equal((launch.Operation, $"This launch of {launch.Operation} was disposed."), (exception.ObjectName, exception.Message.Split('\n')[0].Trim()));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_view_of_a_disposed_buffer_is_refused(string operation)
    {
        foreach (KernelVariant variant in CpuVariants.Where(TestDevices.Get("cpu", KernelVariant.Auto).Supports))
        {
            KernelContext context = TestDevices.Get("cpu", variant);
            int count = Bind(context, operation).Buffers.Count;
            Assert.All(Enumerable.Range(0, count), i =>
            {
                Buffers buffers = new(context) { Disposes = i };
                ObjectDisposedException exception = Assert.Throws<ObjectDisposedException>(() => Operations[operation](context, buffers));
                string named = operation == nameof(CrossEntropy) ? nameof(DistillationLoss) : operation.Split('.')[0];
                Assert.StartsWith(
                    $"{named}: the buffer that {exception.ObjectName} is a view of was disposed.", exception.Message, StringComparison.Ordinal);
            });
        }
    }

    [Fact]
    public void A_sequence_refuses_to_run_when_it_or_one_of_its_launches_was_disposed()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        AcceleratorStream stream = context.Accelerator.DefaultStream;
        int runs = 0;
        TestLaunch first = new(context.Workers, _ => Interlocked.Increment(ref runs));
        TestLaunch second = new(context.Workers, _ => Interlocked.Increment(ref runs));
        LaunchSequence sequence = new(first, second);
        sequence.Run(stream);
        int before = runs;
        second.Dispose();
        Assert.Throws<ObjectDisposedException>(() => sequence.Run(stream));
        LaunchSequence other = new(first);
        other.Dispose();
        Assert.Throws<ObjectDisposedException>(() => other.Run(stream));
        LaunchSequence empty = new();
        empty.Dispose();
        Assert.Throws<ObjectDisposedException>(() => empty.Run(stream));
        Assert.Equal(before, runs);
    }

    [Fact]
    public void The_workers_let_go_of_what_they_ran()
    {
        using CpuWorkers workers = new(2);
        WeakReference[] launches = [.. RunAndForget(workers)];
        Collect();
        Assert.All(launches, launch => Assert.False(launch.IsAlive));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static List<WeakReference> RunAndForget(CpuWorkers workers)
    {
        TestLaunch alone = new(workers, _ => { });
        CpuLaunch[] together = [new TestLaunch(workers, _ => { }), new TestLaunch(workers, _ => { })];
        workers.Run(together);
        workers.Run(alone);
        TestLaunch failing = new(workers, _ => throw new InvalidOperationException());
        Assert.Throws<InvalidOperationException>(() => workers.Run(failing));
        return [new(alone), new(together), new(failing)];
    }

    // Not inlined, so that no local keeps a buffer.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (Launch Launch, IReadOnlyList<WeakReference> Buffers) Bind(KernelContext context, string operation)
    {
        Buffers buffers = new(context);
        return (Operations[operation](context, buffers), buffers.References);
    }

    private static DistillationInputs<float> Inputs(Buffers b) =>
        new() { Student = b.Matrix(3, 5), Teacher = b.Matrix(3, 5), TeacherRows = b.View<int>(3), Labels = b.View<int>(3) };

    private static DistillationOutputs<float> Outputs(Buffers b) => new()
    {
        Gradient = b.Matrix(3, 5),
        SoftLosses = b.View<float>(3),
        HardLosses = b.View<float>(3),
        TotalLosses = b.View<float>(3),
        Totals = b.View<LossTotals>(1),
        Running = b.View<LossTotals>(1),
    };

    private static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>Buffers of zeros that nobody but a launch holds.</summary>
    private sealed class Buffers(KernelContext context)
    {
        private readonly List<WeakReference> _references = [];

        public IReadOnlyList<WeakReference> References => _references;

        /// <summary>The number of the buffer that is disposed as soon as there is a view of it.</summary>
        public int Disposes { get; init; } = -1;

        public ArrayView<StepState> Clock() => View<StepState>(1);

        public Matrix<float> Matrix(int rows, int columns) => new(View<float>(rows * columns), rows, columns);

        public ArrayView<T> View<T>(int length)
            where T : unmanaged
        {
            MemoryBuffer1D<T, Stride1D.Dense> buffer = context.Accelerator.Allocate1D<T>(length);
            buffer.MemSetToZero();
            context.Accelerator.DefaultStream.Synchronize();
            // What a view refers to is the memory itself; ILGPU's typed buffer around it frees nothing when it is collected.
            ArrayView<T> view = buffer.View;
            if (_references.Count == Disposes)
                buffer.Dispose();
            _references.Add(new WeakReference(((IContiguousArrayView)view).Buffer));
            return view;
        }
    }
}
