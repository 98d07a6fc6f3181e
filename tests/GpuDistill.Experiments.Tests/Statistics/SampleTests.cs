using Xunit;

namespace GpuDistill.Experiments.Tests.Statistics;

public class SampleTests
{
    [Fact]
    public void Mean_deviation_and_interval_are_those_of_a_worked_example()
    {
        Sample sample = new([67, 74, 72]);
        Assert.Equal(71, sample.Mean);
        Assert.Equal(Math.Sqrt(13), sample.StandardDeviation, 1e-12);
        Assert.Equal(4.3027 * Math.Sqrt(13) / Math.Sqrt(3), sample.HalfWidth, 0.001);
        Assert.Equal("71.0 ± 9.0", Numbers.MeanAndHalfWidth(sample));
    }

    [Fact]
    public void One_value_has_a_mean_and_no_interval()
    {
        Sample sample = new([74]);
        Assert.Equal(74, sample.Mean);
        Assert.True(double.IsNaN(sample.HalfWidth));
        Assert.Equal("74.0", Numbers.MeanAndHalfWidth(sample));
        Assert.Equal("one seed tells nothing about chance", new PairedDifference(sample, sample).Verdict());
    }

    [Fact]
    public void A_paired_difference_sees_what_the_seeds_hide()
    {
        Sample first = new([100, 150, 200, 250]);
        Sample second = new([90, 139, 192, 241]);
        PairedDifference difference = new(first, second);
        Assert.Equal(9.5, difference.Mean);
        Assert.Equal(0.0007, difference.P, 0.0001); // t = 9.5 / (sqrt(5 / 3) / 2) = 14.7 with 3 degrees of freedom
        Assert.True(difference.IsReal(tests: 10));
        Assert.False(difference.IsReal(tests: 1000));
        Assert.StartsWith("a real difference (p = 0.000", difference.Verdict());
    }

    [Fact]
    public void Differences_that_cancel_are_chance()
    {
        PairedDifference difference = new(new Sample([3, 5, 4]), new Sample([4, 4, 4]));
        Assert.Equal(1, difference.P, 1e-9);
        Assert.StartsWith("not distinguishable from chance", difference.Verdict());
        Assert.Throws<ArgumentException>(() => new PairedDifference(new Sample([1]), new Sample([1, 2])));
    }

    [Fact]
    public void A_power_law_has_its_exponent() =>
        Assert.Equal(-1.5, LogLogFit.Exponent([.. new[] { 1d, 3, 10, 70 }.Select(x => (x, 4 * Math.Pow(x, -1.5)))]), 1e-12);

    [Theory]
    [InlineData(0, "0")]
    [InlineData(74.25, "74.25")]
    [InlineData(1234.7, "1,235")]
    [InlineData(0.01234, "0.0123")]
    [InlineData(0.000041, "4.1e-05")]
    [InlineData(double.NaN, "–")]
    public void Numbers_are_short(double value, string text) => Assert.Equal(text, Numbers.Short(value));
}
