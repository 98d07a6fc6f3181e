using GpuDistill.Kernels;

namespace GpuDistill.Cli;

/// <summary>
/// All settings of the demo. Chosen on 10,000 validation images held out of the training images; each student has the learning
/// rate that was best for it there.
/// </summary>
internal sealed record DemoRecipe
{
    private static readonly Optimizer Sgd = Optimizer.Sgd(new SgdOptions { Momentum = 0.9f });

    /// <summary>The teacher's layers.</summary>
    public NetworkShape Teacher { get; init; } = NetworkShape.Parse("784-800-800-10");

    /// <summary>How the teacher is trained, on labels.</summary>
    public TrainingOptions TeacherTraining { get; init; } = new()
    {
        Epochs = 12,
        BatchSize = 128,
        Optimizer = Sgd,
        LearningRate = 0.1f,
        Decay = LearningRateDecay.Cosine,
        Jitter = 2,
    };

    /// <summary>The layers of both students.</summary>
    public NetworkShape Student { get; init; } = NetworkShape.Parse("784-200-10");

    /// <summary>How the student of the labels alone is trained.</summary>
    public TrainingOptions HardTraining { get; init; } = new()
    {
        Epochs = 25,
        BatchSize = 128,
        Optimizer = Sgd,
        LearningRate = 0.1f,
        Decay = LearningRateDecay.Cosine,
    };

    /// <summary>How the distilled student is trained; it begins with the same weights.</summary>
    public TrainingOptions DistilledTraining { get; init; } = new()
    {
        Epochs = 25,
        BatchSize = 128,
        Optimizer = Sgd,
        LearningRate = 0.1f,
        Decay = LearningRateDecay.Cosine,
    };

    /// <summary>What the distilled student learns from.</summary>
    public DistillationOptions Distillation { get; init; } = new() { Temperature = 3, SoftWeight = 0.9f, HardWeight = 0.1f };

    /// <summary>The same with inputs and classes as the images have them; MNIST's leave it as it is.</summary>
    public DemoRecipe For(ImageDataset images)
    {
        return this with { Teacher = Fit(Teacher), Student = Fit(Student) };

        NetworkShape Fit(NetworkShape shape) =>
            new([images.Features, .. shape.Sizes.Skip(1).SkipLast(1), Math.Max(2, images.Classes)], shape.Activation);
    }
}
