using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

/// <summary>Averages the predictions of several networks on the device and counts the errors of the averages.</summary>
internal sealed class EnsembleRun : Run
{
    public const string ArithmeticErrors = "testErrorsOfArithmeticMean";
    public const string GeometricErrors = "testErrorsOfGeometricMean";

    public required IReadOnlyList<TrainingRun> Members { get; init; }

    public override IReadOnlyList<TrainingRun> Needs => Members;

    public override double Work => 1e9;

    public override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string> { ["averaged at T"] = "1" };

    public override IReadOnlyDictionary<string, double> Do(Workshop workshop) => new Dictionary<string, double>
    {
        [ArithmeticErrors] = Errors(workshop, TeacherMeanKind.Arithmetic),
        [GeometricErrors] = Errors(workshop, TeacherMeanKind.Geometric),
    };

    public override string Describe(IReadOnlyDictionary<string, double> measures) =>
        $"{Numbers.Count(measures[ArithmeticErrors])} errors (arithmetic), {Numbers.Count(measures[GeometricErrors])} (geometric)";

    private int Errors(Workshop workshop, TeacherMeanKind mean)
    {
        using TeacherLogits logits = workshop.Compute(Members, workshop.Test, mean, temperature: 1);
        return Evaluation.Of(logits, workshop.Test).Errors;
    }
}
