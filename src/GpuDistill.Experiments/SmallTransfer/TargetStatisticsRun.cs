using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

/// <summary>
/// What soft and hard targets tell: their entropy, and how much the gradients of single cases differ, for a student with its
/// initial weights and for the same student after an epoch on hard labels.
/// </summary>
internal sealed class TargetStatisticsRun : Run
{
    public const string Entropy = "entropyAtT";
    public const string EntropyAtOne = "entropyAtOne";

    public required TrainingRun Teacher { get; init; }

    /// <summary>The student's shape and training; of the latter, one epoch.</summary>
    public required TrainingRecipe Student { get; init; }

    public required ulong Seed { get; init; }

    public required float Temperature { get; init; }

    /// <summary>The first so many training images are measured on.</summary>
    public required int Cases { get; init; }

    public override IReadOnlyList<TrainingRun> Needs => [Teacher];

    public override double Work => 2e10;

    public override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["network"] = Student.Shape.ToString(),
        ["training"] = Training.ToString(),
        ["temperature"] = FormattableString.Invariant($"{Temperature}"),
        ["cases"] = $"{Cases}",
    };

    private TrainingOptions Training => Student.Training with { Epochs = 1, Seed = Seed };

    /// <summary>The name of a measure of one kind of targets before or after the epoch.</summary>
    public static string Name(string measure, bool soft, bool trained) => $"{measure}{(soft ? "Soft" : "Hard")}{(trained ? "Trained" : "Initial")}";

    public override IReadOnlyDictionary<string, double> Do(Workshop workshop)
    {
        TeacherLogits logits = workshop.Logits([Teacher]);
        using ResidentImages cases = workshop.Train.Subset([.. Enumerable.Range(0, Math.Min(Cases, workshop.Train.Count))]);
        float[] values = logits.ToHost();
        Dictionary<string, double> measures = new()
        {
            [Entropy] = MeanEntropy(values, logits.Classes, cases.Length, Temperature),
            [EntropyAtOne] = MeanEntropy(values, logits.Classes, cases.Length, 1),
        };
        Objective soft = Objective.Distillation(logits, new DistillationOptions { Temperature = Temperature, SoftWeight = 1, HardWeight = 0 });
        using Network network = new Network(workshop.Device, Student.Shape).Initialize(Seed);
        Measure(network, cases, soft, measures, trained: false);
        using (Trainer trainer = new(network, workshop.Train, Objective.HardLabels(), Training))
            trainer.Run(Title, workshop.Progress, workshop.Cancellation);
        Measure(network, cases, soft, measures, trained: true);
        return measures;
    }

    private static void Measure(Network network, ResidentImages cases, Objective soft, Dictionary<string, double> measures, bool trained)
    {
        foreach ((bool isSoft, Objective objective) in new[] { (true, soft), (false, Objective.HardLabels()) })
        {
            GradientSpread spread = GradientSpread.Of(network, cases, objective);
            measures[Name(nameof(GradientSpread.Variance), isSoft, trained)] = spread.Variance;
            measures[Name(nameof(GradientSpread.NoiseScale), isSoft, trained)] = spread.NoiseScale;
        }
    }

    /// <summary>The mean entropy in nats of softmax(logits / T) over the first <paramref name="rows"/> rows.</summary>
    internal static double MeanEntropy(float[] logits, int classes, int rows, double temperature)
    {
        double total = 0;
        for (int row = 0; row < rows; row++)
        {
            double[] scaled = [.. logits.Skip(row * classes).Take(classes).Select(logit => logit / temperature)];
            double largest = scaled.Max();
            double sum = scaled.Sum(value => Math.Exp(value - largest));
            total += Math.Log(sum) - scaled.Sum(value => Math.Exp(value - largest) / sum * (value - largest));
        }

        return total / rows;
    }
}
