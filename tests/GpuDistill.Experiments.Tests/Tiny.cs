using GpuDistill.Kernels;
using GpuDistill.Mnist;

namespace GpuDistill.Experiments.Tests;

/// <summary>A few hundred images of MNIST, and a recipe that trains on them in moments.</summary>
internal static class Tiny
{
    public static readonly ImageDataset Train = EmbeddedMnist.Train.Take(900);

    public static readonly ImageDataset Test = EmbeddedMnist.Test.Take(200);

    private static readonly TrainingRecipe Student = new(
        NetworkShape.Parse("784-12-10"), new TrainingOptions { Epochs = 3, BatchSize = 50, LearningRate = 0.05f });

    public static readonly Recipe Recipe = Recipe.Quick with
    {
        Prefix = "tiny-",
        Seeds = 2,
        Teacher = new(NetworkShape.Parse("784-32-10"), new TrainingOptions { Epochs = 5, BatchSize = 50, LearningRate = 0.1f, Jitter = 1 }),
        HardStudent = Student,
        DistilledStudent = Student,
        Distillation = new DistillationOptions { Temperature = 4 },
        WideSweep = new(Student, [1, 8, 40], StudentsPerSeed: 1),
        NarrowSweep = new(Student, [1, 3, 20], StudentsPerSeed: 2),
        OmittedDigit = new(Student, 4),
        TwoDigits = new(Student, 4),
        SmallTransfer = new(Student, 4, [(0.1, 10), (1, 3)], [0.05f, 1e30f], Cases: 50),
        Labels = new(Student, 4, [0.1f, 1], [0.1f], [1, 20], 0.1f),
        LogitMatching = new(Student, [1, 20], [1, 50, 200, 1000]),
        Ensemble = new(Student, 2, Student, 4),
    };

    public static ExperimentOptions Options(string directory, params string[] names) => new()
    {
        Experiments = [.. names.Select(name => ExperimentCatalog.Find(name)!)],
        Directory = directory,
        Recipe = Recipe,
    };
}
