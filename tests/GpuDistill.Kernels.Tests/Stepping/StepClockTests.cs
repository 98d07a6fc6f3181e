using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Stepping;

public class StepClockTests
{
    private static readonly LearningRateSchedule[] Schedules =
    [
        LearningRateSchedule.Constant(0.1f),
        LearningRateSchedule.Constant(0),
        LearningRateSchedule.Constant(0.3f).WithWarmup(7),
        LearningRateSchedule.StepDecay(0.1f, 0.977, 3),
        LearningRateSchedule.StepDecay(10, 0, 2).WithWarmup(1),
        LearningRateSchedule.StepDecay(1, 1, 1),
        LearningRateSchedule.Cosine(0.01f, 40),
        LearningRateSchedule.Cosine(0.7f, 37, 0.1).WithWarmup(5),
        LearningRateSchedule.Cosine(1, 1),
        LearningRateSchedule.Cosine(3e-4f, int.MaxValue, 0.01).WithWarmup(1_000_000),
    ];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Gives_the_rates_of_the_schedule_to_the_bit(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        using GuardedBuffer<StepState> state = new(context, 1);
        foreach (LearningRateSchedule schedule in Schedules)
        {
            using Launch launch = StepClock.Bind(context, state.View, schedule);
            foreach (long start in (long[])[0, 10, 999_999, int.MaxValue - 2L, 1L << 40])
            {
                state.Write([StepClock.Before(start)]);
                for (long step = start; step < start + 50; step++)
                {
                    launch.Run(context.Accelerator.DefaultStream);
                    StepState now = state.Read()[0];
                    Assert.Equal(step, now.Step);
                    Assert.Equal(BitConverter.SingleToUInt32Bits(schedule.At(step)), BitConverter.SingleToUInt32Bits(now.LearningRate));
                }
            }
        }
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<StepState> state = new(context, 2);
        LearningRateSchedule schedule = LearningRateSchedule.Constant(1);
        Assert.Throws<ArgumentException>(() => StepClock.Bind(context, state.View, schedule));
        Assert.Throws<ArgumentNullException>(() => StepClock.Bind(null!, state.View.SubView(0, 1), schedule));
        Assert.Throws<ArgumentNullException>(() => StepClock.Bind(context, state.View.SubView(0, 1), null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => StepClock.Before(-1));
    }
}
