using GpuDistill.TestKit;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

public class GraphReplayTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_run_does_the_work_once_whether_or_not_the_driver_records(bool records)
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        List<int> order = [];
        TestDriver driver = new(records);
        LaunchSequence sequence = new(driver, new HostLaunch(() => order.Add(0)), new HostLaunch(() => order.Add(1)));
        for (int run = 1; run <= 4; run++)
        {
            sequence.Run(context.Accelerator.DefaultStream);
            Assert.Equal(2 * run, order.Count);
        }

        Assert.Equal([0, 1, 0, 1, 0, 1, 0, 1], order);
        Assert.Equal(1, driver.Recordings);
        Assert.Equal(records ? 3 : 0, driver.Replays);
        sequence.Dispose();
        Assert.Equal(records ? 1 : 0, driver.Disposals);
        Assert.Throws<ObjectDisposedException>(() => sequence.Run(context.Accelerator.DefaultStream));
    }

    [Theory]
    [MemberData(nameof(TestDevices.CudaAlone), MemberType = typeof(TestDevices))]
    public void On_CUDA_a_replayed_step_gives_the_bits_of_its_launches(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        using AcceleratorStream stream = context.Accelerator.CreateStream();
        float[] start = TestData.Uniform(777, 1, 1);
        float[] slope = TestData.Uniform(777, 1, 2);
        float[] Trained(bool alone)
        {
            using GuardedBuffer<StepState> clock = new(context, [StepClock.Before(0)]);
            using GuardedBuffer<float> weights = new(context, start);
            using GuardedBuffer<float> gradient = new(context, slope);
            using GuardedBuffer<float> velocity = new(context, new float[777]);
            Launch advance = StepClock.Bind(context, clock.View, LearningRateSchedule.Constant(0.1f));
            Launch update = Sgd.Bind(context, weights.View, gradient.View, velocity.View, clock.View, new SgdOptions { Momentum = 0.9f });
            using LaunchSequence sequence = new(advance, update);
            for (int step = 0; step < 5; step++)
            {
                if (alone)
                {
                    advance.Run(stream);
                    update.Run(stream);
                }
                else
                {
                    sequence.Run(stream);
                }
            }

            stream.Synchronize();
            Assert.Equal(!alone, sequence.IsRecorded);
            return weights.Read();
        }

        Assert.Equal(Trained(alone: true), Trained(alone: false));
    }

    private sealed class TestDriver(bool records) : IGraphDriver
    {
        public int Recordings { get; private set; }

        public int Replays { get; private set; }

        public int Disposals { get; private set; }

        public IDisposable? Record(AcceleratorStream stream, Action<AcceleratorStream> submit)
        {
            Recordings++;
            return records ? new Recording(this, submit) : null;
        }

        public void Launch(IDisposable graph, AcceleratorStream stream)
        {
            Replays++;
            ((Recording)graph).Submit(stream);
        }

        private sealed class Recording(TestDriver driver, Action<AcceleratorStream> submit) : IDisposable
        {
            public Action<AcceleratorStream> Submit => submit;

            public void Dispose() => driver.Disposals++;
        }
    }
}
