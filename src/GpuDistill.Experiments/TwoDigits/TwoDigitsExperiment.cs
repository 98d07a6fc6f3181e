namespace GpuDistill.Experiments;

/// <summary>
/// Section 3: a student that saw sevens and eights alone errs on 47.3 % of all test images; with the biases of both lowered by 7.6
/// it errs on 13.2 %.
/// </summary>
internal sealed class TwoDigitsExperiment(Setup setup) : Experiment
{
    private readonly MissingClasses _students = new(setup, "only-7-8", setup.Recipe.TwoDigits, TransferSet.Only(7, 8), 7, 8);

    public override IEnumerable<Run> Runs => _students.Runs;

    public override IEnumerable<Block> Report(Results results)
    {
        double images = _students.Count(results);
        Sample before = Share(_students.Before(results), images);
        Sample after = Share(_students.After(results), images);
        PairedDifference gain = new(before, after);
        yield return new Paragraph(
            $"The transfer set holds sevens and eights only; of the other eight digits the student has but the teacher’s soft targets, at T = {Numbers.Short(_students.Temperature)}. "
            + MissingClasses.Rule);
        yield return new Findings(
        [
            Finding.Target(
                setup, $"It errs on {Numbers.PercentAndHalfWidth(before)} of the test images as trained (the paper: 47.3 %; target: at most that).", before.Mean <= 0.473),
            Finding.Target(
                setup, $"It errs on {Numbers.PercentAndHalfWidth(after)} with its biases for 7 and 8 lowered (the paper: 13.2 %; target: at most 15 %).", after.Mean <= 0.15),
            Finding.Better($"Lowering the biases saves errors on {Numbers.PercentAndHalfWidth(gain.Differences)} of the images", gain),
        ]);
        yield return new ResultTable(
            "Test images predicted wrong by a student that saw sevens and eights only",
            ["", "As trained", "Biases lowered", "The paper"],
            [
                ["All ten digits", Numbers.PercentAndHalfWidth(before), Numbers.PercentAndHalfWidth(after), "47.3 % → 13.2 %"],
                ["Offset of the biases", "0", Numbers.MeanAndHalfWidth(_students.Offset(results), 2), "-7.6"],
            ]);
        yield return _students.Chart(results, "Errors by digit, before and after lowering the biases for 7 and 8");
    }

    private static Sample Share(Sample errors, double images) => new([.. errors.Values.Select(value => value / images)]);
}
