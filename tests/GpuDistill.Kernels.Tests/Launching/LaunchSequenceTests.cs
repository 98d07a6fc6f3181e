using GpuDistill.TestKit;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

public class LaunchSequenceTests
{
    [Fact]
    public void Runs_launches_in_order_whatever_their_kind()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        List<int> order = [];
        Launch Cpu(int i) => new TestLaunch(context.Workers, team =>
        {
            if (team.Index == 0)
                order.Add(i);
        });
        Launch Host(int i) => new HostLaunch(() => order.Add(i));
        LaunchSequence sequence = new([Cpu(0), Cpu(1), Host(2), Host(3), Cpu(4), Host(5), Cpu(6), Cpu(7)]);
        Assert.Equal(8, sequence.Launches.Count);
        for (int i = 0; i < 3; i++)
        {
            order.Clear();
            sequence.Run(context.Accelerator.DefaultStream);
            Assert.Equal(Enumerable.Range(0, 8), order);
        }

        new LaunchSequence().Run(context.Accelerator.DefaultStream);
    }

    [Theory]
    [InlineData(KernelVariant.Simd512)]
    [InlineData(KernelVariant.Simd256)]
    [InlineData(KernelVariant.Simd128)]
    public void A_run_allocates_nothing(KernelVariant variant)
    {
        KernelContext context = TestDevices.Get("cpu", variant);
        using GuardedBuffer<StepState> clock = new(context, [StepClock.Before(0)]);
        using GuardedBuffer<float> weights = new(context, TestData.Uniform(777, 1, 1));
        using GuardedBuffer<float> gradients = new(context, TestData.Uniform(777, 1, 2));
        using GuardedBuffer<float> velocity = new(context, new float[777]);
        using GuardedBuffer<byte> pixels = new(context, new byte[20 * 35]);
        using GuardedBuffer<float> images = new(context, 6 * 35);
        using GuardedBuffer<int> rows = new(context, 6);
        BatchSource source = new() { Pixels = pixels.View, Height = 5, Width = 7 };
        BatchTarget<float> target = new() { Images = images.Matrix(6, 35), Rows = rows.View };
        LaunchSequence sequence = new(
        [
            StepClock.Bind(context, clock.View, LearningRateSchedule.Cosine(0.1f, 1000)),
            BatchGather.Bind(context, source, clock.View, target, new() { Jitter = 2, InputDropout = 0.2f }),
            TemperatureSoftmax.Bind(context, images.Matrix(6, 35), images.Matrix(6, 35), 2),
            Sgd.Bind(context, weights.View, gradients.View, velocity.View, clock.View),
            MaxNorm.Bind(context, weights.Matrix(37, 21), 1),
        ]);
        AcceleratorStream stream = context.Accelerator.DefaultStream;
        // Another thread may allocate at the same time, but not on this one; a first compilation may, so the least counts.
        long least = long.MaxValue;
        for (int i = 0; i < 20; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            sequence.Run(stream);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public void Launches_of_two_contexts_are_refused_also_when_apart()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using CpuWorkers others = new(1);
        Launch first = new TestLaunch(context.Workers, _ => { });
        Launch second = new TestLaunch(others, _ => { });
        Assert.Throws<ArgumentException>(() => new LaunchSequence(first, second));
        Assert.Throws<ArgumentException>(() => new LaunchSequence(first, new HostLaunch(() => { }), second));
    }

    [Fact]
    public void A_missing_launch_is_refused() =>
        Assert.Throws<ArgumentNullException>(() => new LaunchSequence(new HostLaunch(() => { }), null!));

    [Fact]
    public void Disposes_its_launches()
    {
        using CpuWorkers workers = new(1);
        TestLaunch[] launches = [new(workers, _ => { }), new(workers, _ => { })];
        new LaunchSequence(launches).Dispose();
        Assert.All(launches, launch => Assert.Equal(1, launch.Disposals));
    }
}
