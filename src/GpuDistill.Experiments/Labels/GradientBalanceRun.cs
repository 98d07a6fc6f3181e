using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

/// <summary>
/// How much the soft objective contributes beside the hard one: the root mean square length of its gradients over that of the hard
/// objective's, for a student after an epoch on hard labels.
/// </summary>
internal sealed class GradientBalanceRun : Run
{
    public required TrainingRun Teacher { get; init; }

    public required TrainingRecipe Student { get; init; }

    public required ulong Seed { get; init; }

    public required IReadOnlyList<float> Temperatures { get; init; }

    /// <summary>The first so many training images are measured on.</summary>
    public required int Cases { get; init; }

    public override IReadOnlyList<TrainingRun> Needs => [Teacher];

    public override double Work => 1e10;

    public override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["network"] = Student.Shape.ToString(),
        ["training"] = Training.ToString(),
        ["temperatures"] = string.Join(", ", Temperatures.Select(temperature => FormattableString.Invariant($"{temperature}"))),
        ["cases"] = $"{Cases}",
    };

    private TrainingOptions Training => Student.Training with { Epochs = 1, WarmupEpochs = 0, Seed = Seed };

    /// <summary>The name of the ratio at one temperature.</summary>
    public static string Ratio(float temperature, bool scaled) =>
        FormattableString.Invariant($"softOverHardAtT{temperature}{(scaled ? "" : "Unscaled")}");

    public override IReadOnlyDictionary<string, double> Do(Workshop workshop)
    {
        TeacherLogits logits = workshop.Logits([Teacher]);
        using Network network = new Network(workshop.Device, Student.Shape).Initialize(Seed);
        using (Trainer trainer = new(network, workshop.Train, Objective.HardLabels(), Training))
            trainer.Run(Title, workshop.Progress, workshop.Cancellation);
        using ResidentImages cases = workshop.Train.Subset([.. Enumerable.Range(0, Math.Min(Cases, workshop.Train.Count))]);
        double hard = GradientSpread.Of(network, cases, Objective.HardLabels()).MeanSquaredLength;
        Dictionary<string, double> measures = [];
        foreach (float temperature in Temperatures)
        {
            foreach (bool scaled in (bool[])[true, false])
            {
                Objective soft = Objective.Distillation(logits, new DistillationOptions
                {
                    Temperature = temperature,
                    SoftWeight = 1,
                    HardWeight = 0,
                    ScaleByTemperatureSquared = scaled,
                });
                measures[Ratio(temperature, scaled)] = Math.Sqrt(GradientSpread.Of(network, cases, soft).MeanSquaredLength / hard);
            }
        }

        return measures;
    }
}
