namespace GpuDistill.Experiments;

/// <summary>
/// Section 3: with 300 or more units per layer all temperatures above 8 gave about the same; with 30 units those from 2.5 to 4
/// were significantly better than higher or lower ones.
/// </summary>
internal sealed class TemperatureSweepExperiment(Setup setup) : Experiment
{
    private readonly Sweep _wide = new(setup, "wide", setup.Recipe.WideSweep);
    private readonly Sweep _narrow = new(setup, "narrow", setup.Recipe.NarrowSweep);

    public override IEnumerable<Run> Runs => [.. setup.AllSeeds.Select(setup.Teacher), .. _wide.Runs, .. _narrow.Runs];

    public override IEnumerable<Block> Report(Results results)
    {
        yield return new Findings([.. WideFindings(results), .. NarrowFindings(results)]);
        yield return Chart(results, "wide", _wide, "Wide students: the higher temperatures are alike");
        yield return Chart(results, "narrow", _narrow, "Narrow students: an intermediate temperature is best");
        yield return _wide.Table(results);
        yield return _narrow.Table(results);
    }

    // Each temperature of 8 and more against their common mean; a flat curve has no real difference left after sharing the level.
    private IEnumerable<Finding> WideFindings(Results results)
    {
        float[] high = [.. _wide.Temperatures.Where(temperature => temperature >= 8)];
        Sample common = _wide.Average(results, high);
        PairedDifference[] differences = [.. high.Select(temperature => new PairedDifference(_wide.Errors(results, temperature), common))];
        PairedDifference largest = differences.MaxBy(difference => Math.Abs(difference.Mean))!;
        bool flat = !differences.Any(difference => difference.IsReal(high.Length));
        yield return new(
            $"Wide students: the curve is flat from T = 8 on. The temperature farthest from their common mean of {Numbers.Decimal(common.Mean)} errors "
            + $"is off by {Numbers.Decimal(Math.Abs(largest.Mean))}: {largest.Verdict(high.Length)}.",
            flat);
    }

    private IEnumerable<Finding> NarrowFindings(Results results)
    {
        float best = _narrow.Temperatures.MinBy(temperature => _narrow.Errors(results, temperature).Mean);
        yield return new(
            $"Narrow students: the fewest errors are at T = {Numbers.Short(best)} (the paper: 2.5 to 4; target: 2 to 5).", best is >= 2 and <= 5);
        float[] middle = [.. _narrow.Temperatures.Where(temperature => temperature is >= 2.5f and <= 4)];
        foreach ((string name, float[] others) in new[]
        {
            ("T = 8 and above", _narrow.Temperatures.Where(temperature => temperature >= 8).ToArray()),
            ("T below 2", _narrow.Temperatures.Where(temperature => temperature < 2).ToArray()),
        })
        {
            PairedDifference difference = new(_narrow.Average(results, others), _narrow.Average(results, middle));
            yield return Finding.Better($"Narrow students: T from 2.5 to 4 makes {difference.FewerErrors} than {name}", difference, tests: 2);
        }
    }

    private static Chart Chart(Results results, string name, Sweep sweep, string title) => new()
    {
        Name = name,
        Title = title,
        Caption = $"Students {sweep.Shape}, mean over {sweep.Students} students at each temperature; bars are 95 % confidence intervals of the mean. "
            + "Students at different temperatures share initial weights and order, so differences are surer than the bars suggest.",
        X = new Axis("temperature T", Logarithmic: true, Ticks: [.. sweep.Temperatures.Select(temperature => (double)temperature)]),
        Y = new Axis("test errors"),
        Series = [new(sweep.Shape, [.. sweep.Temperatures.Select(temperature => Point.Of(temperature, sweep.Errors(results, temperature)))])],
    };
}
