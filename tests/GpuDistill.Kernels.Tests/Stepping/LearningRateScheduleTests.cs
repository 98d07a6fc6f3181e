using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Stepping;

public class LearningRateScheduleTests
{
    [Theory]
    [InlineData(0.5, 1)]
    [InlineData(0.977, 10)]
    [InlineData(0.999999, 1)]
    [InlineData(1, 3)]
    [InlineData(0, 4)]
    public void Step_decay_matches_the_reference(double factor, long every)
    {
        LearningRateSchedule schedule = LearningRateSchedule.StepDecay(0.1f, factor, every);
        foreach (long step in Steps(2_000))
        {
            double expected = LearningRateSchedule.Reference.StepDecay(0.1f, factor, every, step);
            // The power is held to 2^-62 absolute, so a share of the rate below 1e-12 loses digits.
            if (expected > 1e-12 || expected == 0)
                Tolerance.LearningRate.Check(expected, schedule.At(step), $"factor {factor}, every {every}, step {step}");
        }
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0.5)]
    [InlineData(97, 0)]
    [InlineData(1000, 0.01)]
    [InlineData(int.MaxValue, 0)]
    public void Cosine_matches_the_reference(long total, double final)
    {
        LearningRateSchedule schedule = LearningRateSchedule.Cosine(0.3f, total, final);
        foreach (long step in Steps(total))
        {
            double expected = LearningRateSchedule.Reference.Cosine(0.3f, total, final, step);
            Tolerance.LearningRate.Check(expected, schedule.At(step), $"total {total}, final {final}, step {step}");
        }

        Assert.Equal(0.3f, schedule.At(0));
        Assert.Equal((float)(0.3f * final), schedule.At(total), 1e-8f);
        Assert.Equal(schedule.At(total), schedule.At(long.MaxValue));
    }

    [Fact]
    public void Warm_up_rises_in_a_line_and_then_the_schedule_starts()
    {
        LearningRateSchedule warm = LearningRateSchedule.StepDecay(0.8f, 0.5, 10).WithWarmup(7);
        for (int step = 0; step < 7; step++)
            Tolerance.LearningRate.Check(0.8f * (step + 1) / 8.0, warm.At(step), $"step {step}");
        for (int step = 7; step < 60; step++)
            Assert.Equal(LearningRateSchedule.StepDecay(0.8f, 0.5, 10).At(step - 7), warm.At(step));

        LearningRateSchedule cosine = LearningRateSchedule.Cosine(1, 100, 0.25).WithWarmup(20);
        Assert.Equal(1, cosine.At(20));
        Assert.Equal(0.25f, cosine.At(100));
        Assert.True(cosine.At(99) > 0.25f);
        Assert.Equal(0.4f, LearningRateSchedule.Constant(0.4f).WithWarmup(0).At(0));
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        foreach (float rate in (float[])[-1, float.NaN, float.PositiveInfinity])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Constant(rate));
            Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.StepDecay(rate, 0.5, 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Cosine(rate, 1));
        }

        foreach (double fraction in (double[])[-0.1, 1.1, double.NaN])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.StepDecay(1, fraction, 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Cosine(1, 10, fraction));
        }

        LearningRateSchedule constant = LearningRateSchedule.Constant(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.StepDecay(1, 0.5, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Cosine(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Cosine(1, 1L << 31));
        Assert.Throws<ArgumentOutOfRangeException>(() => constant.WithWarmup(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => constant.WithWarmup(int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Cosine(1, 5).WithWarmup(5));
        Assert.Throws<InvalidOperationException>(() => constant.WithWarmup(1).WithWarmup(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => constant.At(-1));
    }

    private static IEnumerable<long> Steps(long total) =>
        Enumerable.Range(0, 300).Select(i => total * i / 299).Concat([1, 2, 3, total + 1, total - 1]);
}
