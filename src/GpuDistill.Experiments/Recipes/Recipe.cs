using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

/// <summary>
/// Every number that decides a result. <see cref="Full"/> is what the paper's numbers are compared with, <see cref="Quick"/> what
/// CI can afford: a smaller teacher and shorter trainings that still show which way an effect goes. The teacher, rates and
/// warm-up of distilled students and the temperatures where digits are missing were tuned on the validation split (<see cref="HeldOut"/>);
/// the rest are first choices.
/// </summary>
internal sealed partial record Recipe
{
    private static readonly Optimizer Sgd = Optimizer.Sgd(new SgdOptions { Momentum = 0.9f });

    /// <summary>What the keys of its runs begin with.</summary>
    public required string Prefix { get; init; }

    /// <summary>Whether the targets, which are the full recipe's, are checked.</summary>
    public required bool ComparesWithPaper { get; init; }

    /// <summary>Seeds per setting unless asked for otherwise.</summary>
    public int Seeds { get; init; } = 3;

    /// <summary>The teacher of all experiments but the ensemble.</summary>
    public required TrainingRecipe Teacher { get; init; }

    /// <summary>mnist-table: the student of the labels alone.</summary>
    public required TrainingRecipe HardStudent { get; init; }

    /// <summary>mnist-table: the student of the soft targets; the same shape.</summary>
    public required TrainingRecipe DistilledStudent { get; init; }

    /// <summary>mnist-table: what it learns from.</summary>
    public required DistillationOptions Distillation { get; init; }

    /// <summary>temperature-sweep: 300 units per layer.</summary>
    public required SweepRecipe WideSweep { get; init; }

    /// <summary>temperature-sweep: 30 units per layer.</summary>
    public required SweepRecipe NarrowSweep { get; init; }

    /// <summary>omitted-digit.</summary>
    public required TransferRecipe OmittedDigit { get; init; }

    /// <summary>two-digits.</summary>
    public required TransferRecipe TwoDigits { get; init; }

    /// <summary>small-transfer.</summary>
    public required SmallTransferRecipe SmallTransfer { get; init; }

    /// <summary>labels.</summary>
    public required LabelsRecipe Labels { get; init; }

    /// <summary>logit-matching.</summary>
    public required MatchingRecipe LogitMatching { get; init; }

    /// <summary>ensemble.</summary>
    public required EnsembleRecipe Ensemble { get; init; }

    // The warm-up is for soft targets at high temperatures, which otherwise kill units in the first steps.
    private static TrainingRecipe Train(string layers, int epochs, float rate, float warmup = 1) => new(
        NetworkShape.Parse(layers),
        new TrainingOptions
        {
            Epochs = epochs,
            BatchSize = 128,
            Optimizer = Sgd,
            LearningRate = rate,
            Decay = LearningRateDecay.Cosine,
            WarmupEpochs = warmup,
        });
}

/// <summary>A network and how it is trained.</summary>
internal sealed record TrainingRecipe(NetworkShape Shape, TrainingOptions Training);

/// <summary>Students over temperatures.</summary>
/// <param name="Student">The student.</param>
/// <param name="Temperatures">Ascending.</param>
/// <param name="StudentsPerSeed">Students per seed asked for: small ones are cheap, and more of them show smaller differences.</param>
internal sealed record SweepRecipe(TrainingRecipe Student, IReadOnlyList<float> Temperatures, int StudentsPerSeed);

/// <summary>A student of a transfer set that lacks classes.</summary>
internal sealed record TransferRecipe(TrainingRecipe Student, float Temperature);

/// <summary>Students of few labels.</summary>
/// <param name="Student">The student; its learning rate and epochs are replaced.</param>
/// <param name="Temperature">Of the soft targets.</param>
/// <param name="Sizes">Shares of the labels and the epochs for each, so that small sets are seen more often.</param>
/// <param name="Rates">Learning rates, ascending.</param>
/// <param name="Cases">Images that entropy and gradients are measured on.</param>
internal sealed record SmallTransferRecipe(
    TrainingRecipe Student, float Temperature, IReadOnlyList<(double Share, int Epochs)> Sizes, IReadOnlyList<float> Rates, int Cases);

/// <summary>Ways to use the labels.</summary>
/// <param name="Student">The student.</param>
/// <param name="Temperature">Of the soft targets where the weights vary.</param>
/// <param name="HardWeights">Weights of the labels, above 0, ascending; the soft targets have the rest.</param>
/// <param name="LabelBlends">Shares of the soft target that go to the label, some of the weights. Near 1 such a target is out of reach at T.</param>
/// <param name="ScalingTemperatures">Temperatures with and without T^2.</param>
/// <param name="ScalingHardWeight">The labels' weight there.</param>
internal sealed record LabelsRecipe(
    TrainingRecipe Student, float Temperature, IReadOnlyList<float> HardWeights, IReadOnlyList<float> LabelBlends,
    IReadOnlyList<float> ScalingTemperatures, float ScalingHardWeight);

/// <summary>Distillation and its limit.</summary>
/// <param name="Student">The student.</param>
/// <param name="Temperatures">Of the students, ascending.</param>
/// <param name="LimitTemperatures">Of the gradients that are compared, ascending.</param>
internal sealed record MatchingRecipe(TrainingRecipe Student, IReadOnlyList<float> Temperatures, IReadOnlyList<float> LimitTemperatures);

/// <summary>Several teachers.</summary>
/// <param name="Member">Each of them.</param>
/// <param name="Members">Members of an ensemble.</param>
/// <param name="Student">The student.</param>
/// <param name="Temperature">Of the soft targets.</param>
internal sealed record EnsembleRecipe(TrainingRecipe Member, int Members, TrainingRecipe Student, float Temperature);
