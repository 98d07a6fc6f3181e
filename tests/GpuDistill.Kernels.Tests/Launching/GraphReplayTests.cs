using GpuDistill.TestKit;
using ILGPU;
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

    [Fact]
    public void What_was_recorded_and_does_not_start_is_submitted_one_by_one_for_good()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        List<int> order = [];
        TestDriver driver = new(records: true) { StartsUntil = 2 };
        using LaunchSequence sequence = new(driver, new HostLaunch(() => order.Add(0)), new HostLaunch(() => order.Add(1)));
        for (int run = 1; run <= 6; run++)
        {
            sequence.Run(context.Accelerator.DefaultStream);
            Assert.Equal(2 * run, order.Count);
            Assert.Equal(run is 2 or 3, sequence.IsRecorded);
        }

        Assert.Equal((1, 2, 1), (driver.Recordings, driver.Replays, driver.Disposals));
    }

    [Fact]
    public void A_launch_that_throws_while_it_is_recorded_throws_and_can_be_recorded_later()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        int runs = 0;
        TestDriver driver = new(records: true) { SubmitsWhileRecording = true };
        using LaunchSequence sequence = new(driver, new HostLaunch(() =>
        {
            if (++runs == 2)
                throw new InvalidOperationException();
        }));
        sequence.Run(context.Accelerator.DefaultStream);
        Assert.Throws<InvalidOperationException>(() => sequence.Run(context.Accelerator.DefaultStream));
        Assert.False(sequence.IsRecorded);
        sequence.Run(context.Accelerator.DefaultStream);
        Assert.True(sequence.IsRecorded);
    }

    [Fact]
    public void What_stands_aside_is_a_branch_of_the_recording_and_joined_before_what_follows()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        AcceleratorStream main = context.Accelerator.DefaultStream;
        using AcceleratorStream side = context.Accelerator.CreateStream();
        TestDriver driver = new(records: true) { Side = side, SubmitsWhileRecording = true };
        List<string> log = driver.Log;
        Launch Named(string name) => new StreamLaunch(stream => log.Add(stream == side ? $"{name} aside" : name));
        using LaunchSequence sequence = new(
            driver,
            Named("loss"),
            new ForkedLaunch("Backward", (Named("weights 2"), true), (Named("input 2"), false), (Named("weights 1"), true), (Named("weights 0"), false)),
            new ForkedLaunch("Clip", (Named("clip"), false)),
            Named("update"));
        string[] names = ["loss", "weights 2", "input 2", "weights 1", "weights 0", "clip", "update"];
        Assert.Equal(7, sequence.Launches.Count);
        sequence.Run(main);
        Assert.Equal(names, log);
        log.Clear();
        sequence.Run(main);
        Assert.Equal(
            ["loss", "branch", "weights 2 aside", "input 2", "branch", "weights 1 aside", "weights 0", "join", "clip", "update"], log);
    }

    [Fact]
    public void Without_a_graph_a_row_with_launches_aside_runs_in_order_and_is_disposed_whole()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        List<int> order = [];
        TestLaunch Cpu(int i) => new(context.Workers, team =>
        {
            if (team.Index == 0)
                order.Add(i);
        });
        TestLaunch[] parts = [Cpu(0), Cpu(1), Cpu(2)];
        ForkedLaunch row = new("Row", parts.Select((part, i) => ((Launch)part, i == 1)));
        row.Run(context.Accelerator.DefaultStream);
        using (LaunchSequence sequence = new(row, Cpu(3)))
            sequence.Run(context.Accelerator.DefaultStream);
        Assert.Equal([0, 1, 2, 0, 1, 2, 3], order);
        Assert.Equal(KernelVariant.Simd128, row.Variant);
        row.Dispose();
        Assert.All(parts, part => Assert.Equal(1, part.Disposals));
    }

    [Theory]
    [MemberData(nameof(TestDevices.CudaAlone), MemberType = typeof(TestDevices))]
    public void On_CUDA_a_replayed_step_gives_the_bits_of_its_launches(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        using AcceleratorStream stream = context.Accelerator.CreateStream();
        float[] start = TestData.Uniform(777, 1, 1);
        float[] slope = TestData.Uniform(777, 1, 2);
        (float[] First, float[] Second) Trained(bool alone)
        {
            using GuardedBuffer<StepState> clock = new(context, [StepClock.Before(0)]);
            using GuardedBuffer<float> weights = new(context, start);
            using GuardedBuffer<float> gradient = new(context, slope);
            using GuardedBuffer<float> velocity = new(context, new float[777]);
            using GuardedBuffer<float> others = new(context, slope);
            Launch advance = StepClock.Bind(context, clock.View, LearningRateSchedule.Constant(0.1f));
            Launch update = Sgd.Bind(context, weights.View, gradient.View, velocity.View, clock.View, new SgdOptions { Momentum = 0.9f });
            Launch aside = Sgd.Bind(context, others.View, gradient.View, ArrayView<float>.Empty, clock.View, new SgdOptions { Momentum = 0 });
            Launch last = MaxNorm.Bind(context, others.Matrix(37, 21), 1);
            using LaunchSequence sequence = new(advance, new ForkedLaunch("Updates", (aside, true), (update, false)), last);
            for (int step = 0; step < 5; step++)
            {
                if (alone)
                {
                    foreach (Launch launch in sequence.Launches)
                        launch.Run(stream);
                }
                else
                {
                    sequence.Run(stream);
                }
            }

            stream.Synchronize();
            Assert.Equal(!alone, sequence.IsRecorded);
            return (weights.Read(), others.Read());
        }

        (float[] first, float[] second) = Trained(alone: true);
        (float[] firstReplayed, float[] secondReplayed) = Trained(alone: false);
        Assert.Equal(first, firstReplayed);
        Assert.Equal(second, secondReplayed);
    }

    private sealed class TestDriver(bool records) : IGraphDriver, IFork
    {
        public List<string> Log { get; } = [];

        public int Recordings { get; private set; }

        public int Replays { get; private set; }

        public int Disposals { get; private set; }

        /// <summary>After so many replays nothing starts any more.</summary>
        public int StartsUntil { get; init; } = int.MaxValue;

        /// <summary>Whether launches run while they are recorded, so that a test sees them; then a replay runs nothing.</summary>
        public bool SubmitsWhileRecording { get; init; }

        public AcceleratorStream? Side { get; init; }

        public string? Refusal => null;

        public IDisposable? Record(AcceleratorStream stream, Action<AcceleratorStream, IFork?> submit)
        {
            Recordings++;
            if (SubmitsWhileRecording)
                submit(stream, this);
            return records ? new Recording(this, SubmitsWhileRecording ? (_, _) => { } : submit) : null;
        }

        public bool Launch(IDisposable graph, AcceleratorStream stream)
        {
            if (Replays == StartsUntil)
                return false;
            Replays++;
            ((Recording)graph).Submit(stream, null);
            return true;
        }

        public AcceleratorStream Branch()
        {
            Log.Add("branch");
            return Side!;
        }

        public void Join() => Log.Add("join");

        private sealed class Recording(TestDriver driver, Action<AcceleratorStream, IFork?> submit) : IDisposable
        {
            public Action<AcceleratorStream, IFork?> Submit => submit;

            public void Dispose() => driver.Disposals++;
        }
    }
}
