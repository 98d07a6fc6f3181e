namespace GpuDistill.Experiments;

/// <summary>
/// Section 3: a student that never saw a 3 makes 206 errors, 133 of them on the 1,010 threes; with the bias of class 3 raised by 3.5
/// it makes 109, 14 of them on threes.
/// </summary>
internal sealed class OmittedDigitExperiment(Setup setup) : Experiment
{
    private const int Digit = 3;

    private readonly MissingClasses _students = new(setup, "omitted-3", setup.Recipe.OmittedDigit, TransferSet.Without(Digit), Digit);

    public override IEnumerable<Run> Runs => _students.Runs;

    public override IEnumerable<Block> Report(Results results)
    {
        Sample before = _students.Before(results);
        Sample after = _students.After(results);
        double threes = _students.Count(results, Digit);
        Sample right = new([.. _students.Errors(results, Digit, after: true).Values.Select(errors => 1 - (errors / threes))]);
        PairedDifference gain = new(before, after);
        yield return new Paragraph(
            $"The transfer set holds no 3 at all; what the student knows of threes it learnt from the teacher’s soft targets for other digits, at T = {Numbers.Short(_students.Temperature)}. "
            + MissingClasses.Rule);
        yield return new Findings(
        [
            Finding.Target(setup, $"It makes {Numbers.Decimal(before.Mean)} errors as trained (the paper: 206; target: at most 206).", before.Mean <= 206),
            Finding.Target(setup, $"It makes {Numbers.Decimal(after.Mean)} with its bias for 3 raised (the paper: 109; target: at most 115).", after.Mean <= 115),
            Finding.Target(setup, $"It then gets {Numbers.PercentAndHalfWidth(right)} of the threes right (the paper: 98.6 %; target: at least 98 %).", right.Mean >= 0.98),
            Finding.Better($"With the bias raised it makes {gain.FewerErrors}", gain),
        ]);
        yield return new ResultTable(
            $"Test errors of a student that never saw a 3; {Numbers.Count(threes)} of the test images are threes",
            ["", "As trained", "Bias raised", "The paper"],
            [
                ["All errors", Numbers.MeanAndHalfWidth(before), Numbers.MeanAndHalfWidth(after), "206 → 109"],
                ["Errors on threes", Errors(results, after: false), Errors(results, after: true), "133 → 14"],
                ["Offset of the bias", "0", Numbers.MeanAndHalfWidth(_students.Offset(results), 2), "3.5"],
            ]);
        yield return _students.Chart(results, "Errors by digit, before and after raising the bias for 3");
    }

    private string Errors(Results results, bool after) => Numbers.MeanAndHalfWidth(_students.Errors(results, Digit, after));
}
