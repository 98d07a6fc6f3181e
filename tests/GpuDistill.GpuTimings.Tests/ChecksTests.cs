using Xunit;

namespace GpuDistill.GpuTimings.Tests;

/// <summary>The works themselves, small and on the processor; and that their checks can fail.</summary>
public class ChecksTests
{
    [Theory]
    [InlineData("loss", 14)]
    [InlineData("step", 4)]
    [InlineData("product", 18)]
    [InlineData("dense", 6)]
    public void Every_work_passes_its_check_and_gives_figures(string kind, int count)
    {
        using TimingDevice device = TimingDevice.Open("cpu")!;
        Work[] works = [.. TimingRun.Kinds[kind](device)];
        Assert.Equal(count, works.Length);
        foreach (Work work in works.Where((_, i) => i % 2 == 0)) // each takes some 0.1 s of rounds
        {
            Timing timing = work.Measure(work.Blank);
            Assert.Equal(kind, timing.Kind);
            Assert.True(timing.OursUs > 0 && timing.HostUs > 0, $"{timing}");
            Assert.True(timing.ShareOfCopyBandwidth is > 0 || kind == "step", $"{timing}");
            Assert.NotEmpty(timing.Variant!);
        }
    }

    [Fact]
    public void Works_have_names_of_their_own()
    {
        using TimingDevice device = TimingDevice.Open("cpu")!;
        Timing[] blanks = [.. TimingRun.Kinds.Values.SelectMany(all => all(device)).Select(work => work.Blank)];
        Assert.Equal(blanks.Length, blanks.DistinctBy(blank => (blank.Kind, blank.Work, blank.Dtype)).Count());
    }

    [Theory]
    [InlineData(2.0)]
    [InlineData(double.NaN)]
    public void A_wrong_corner_is_found(double wrong)
    {
        void Check(double corner) => SampledCheck.Of(
            3, 5, terms: 4, productError: 0, unit: 0, (_, _, _) => 0.25, (_, _, sum) => sum, (row, column) => (row, column) == (2, 4) ? corner : 1);
        Check(1);
        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(() => Check(wrong));
        Assert.StartsWith("element (2, 4) is ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_that_goes_elsewhere_is_found()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        NetworkShape shape = new([16, 6, 4]);
        StepCheck.Of(device, shape, batch: 8);
        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(
            () => StepCheck.Of(device, shape, batch: 8, learningRate: 1.05 * StepSetup.LearningRate));
        Assert.StartsWith("after 3 steps layer 0's weights are off by", failure.Message, StringComparison.Ordinal);
    }
}
