using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>A teacher that has learnt 5000 digits, and students for it. It is trained once for all the classes of its collection.</summary>
public sealed class TrainedTeacher : IDisposable
{
    internal static readonly TrainingOptions Student = new() { Epochs = 6, BatchSize = 50, LearningRate = 0.1f, Seed = 9 };

    public TrainedTeacher()
    {
        Device = DistillDevice.Open("cpu");
        Images = new ResidentImages(Device, TestMnist.Train(5000));
        Test = new ResidentImages(Device, TestMnist.Test(2000));
        Network = new Network(Device, NetworkShape.Parse("784-200-10")).Initialize(1);
        TrainingOptions options = new() { Epochs = 10, BatchSize = 50, LearningRate = 0.1f, Seed = 2, Jitter = 1, HiddenDropout = 0.2f };
        using Trainer trainer = new(Network, Images, Objective.HardLabels(), options);
        trainer.Run();
    }

    public DistillDevice Device { get; }

    public ResidentImages Images { get; }

    public ResidentImages Test { get; }

    public Network Network { get; }

    /// <summary>The errors of a student that was trained.</summary>
    public int Distil(ResidentImages images, Objective objective, float rate = 0.1f, int epochs = 6)
    {
        using Network student = NewStudent();
        using (Trainer trainer = new(student, images, objective, Student with { LearningRate = rate, Epochs = epochs }))
            trainer.Run();
        return Evaluation.Of(student, Test).Errors;
    }

    public Network NewStudent() => new Network(Device, NetworkShape.Parse("784-40-10")).Initialize(3);

    public void Dispose()
    {
        Network.Dispose();
        Test.Dispose();
        Images.Dispose();
        Device.Dispose();
    }

    /// <summary>The classes that share it.</summary>
    [CollectionDefinition]
    public sealed class Pupils : ICollectionFixture<TrainedTeacher>;
}
