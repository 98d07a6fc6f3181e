using Xunit;

namespace GpuDistill.Experiments.Tests.Statistics;

/// <summary>Against the printed tables of Student's t.</summary>
public class StudentTTests
{
    [Theory]
    [InlineData(1, 12.706)]
    [InlineData(2, 4.303)]
    [InlineData(3, 3.182)]
    [InlineData(4, 2.776)]
    [InlineData(9, 2.262)]
    [InlineData(30, 2.042)]
    [InlineData(1000, 1.962)]
    public void The_95_percent_quantile_is_that_of_the_tables(int freedom, double quantile) =>
        Assert.Equal(quantile, StudentT.Quantile95(freedom), 0.0005);

    [Theory]
    [InlineData(0, 5, 1)]
    [InlineData(1, 1, 0.5)] // a quarter of the Cauchy distribution on either side
    [InlineData(-1, 1, 0.5)]
    [InlineData(4.604, 4, 0.01)]
    [InlineData(3.250, 9, 0.01)]
    [InlineData(0.703, 9, 0.5)]
    [InlineData(double.PositiveInfinity, 3, 0)]
    public void The_probability_is_two_sided(double t, double freedom, double probability) =>
        Assert.Equal(probability, StudentT.TwoSided(t, freedom), 0.0003);
}
