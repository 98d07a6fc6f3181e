using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>What cannot be trained is refused when a trainer or an objective is made.</summary>
public class TrainerArgumentTests
{
    private static readonly TrainingOptions Short = new() { Epochs = 3, BatchSize = 50, LearningRate = 0.1f, Seed = 5 };

    [Fact]
    public void What_does_not_fit_together_is_refused_in_one_line()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(100));
        using Network small = new(device, NetworkShape.Parse("100-10"));
        AssertRefused("784", () => new Trainer(small, images, Objective.HardLabels(), Short));
        using Network few = new(device, NetworkShape.Parse("784-5"));
        AssertRefused("5 classes", () => new Trainer(few, images, Objective.HardLabels(), Short));
        using Network network = new(device, NetworkShape.Parse("784-10"));
        AssertRefused("BatchSize", () => new Trainer(network, images, Objective.HardLabels(), Short with { BatchSize = 0 }));
        using TeacherLogits rows = TeacherLogits.FromHost(device, new float[50 * 10], 50, 10);
        AssertRefused("50 rows", () => new Trainer(network, images, Objective.Distillation(rows), Short));
        using TeacherLogits classes = TeacherLogits.FromHost(device, new float[100 * 11], 100, 11);
        AssertRefused("11 classes", () => new Trainer(network, images, Objective.Distillation(classes), Short));
        using TeacherLogits only = TeacherLogits.FromHost(device, new float[100 * 10], 100, 10, temperature: 2);
        AssertRefused("T = 2", () => new Trainer(network, images, Objective.Distillation(only), Short));
        AssertRefused("T = 2", () => new Trainer(network, images, Objective.LogitMatching(only), Short));
    }

    [Fact]
    public void What_would_silently_do_nothing_is_refused()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        ImageDataset dataset = TestMnist.Train(100);
        using ResidentImages images = new(device, dataset.WithLabels([.. dataset.Labels.Select((label, row) => row < 50 ? label : -100)]));
        using ResidentImages unlabelled = images.Subset([60, 70, 80]);
        using TeacherLogits logits = TeacherLogits.FromHost(device, new float[100 * 10], 100, 10);
        using Network flat = new(device, NetworkShape.Parse("784-10"));
        using Network network = new(device, NetworkShape.Parse("784-8-10"));
        AssertRefused("HiddenDropout", () => new Trainer(flat, images, Objective.HardLabels(), Short with { HiddenDropout = 0.5f }));
        AssertRefused("MaxNorm", () => new Trainer(flat, images, Objective.HardLabels(), Short with { MaxNorm = 2 }));
        AssertRefused("3 rows", () => new Trainer(network, unlabelled, Objective.HardLabels(), Short));
        DistillationOptions hardOnly = new() { SoftWeight = 0, HardWeight = 1 };
        AssertRefused("3 rows", () => new Trainer(network, unlabelled, Objective.Distillation(logits, hardOnly), Short));
        AssertRefused("WarmupEpochs", () => new Trainer(network, images, Objective.HardLabels(), Short with { WarmupEpochs = 3 }));
        TrainingOptions oneStep = Short with { BatchSize = 100, Epochs = 1, WarmupEpochs = 0.6f };
        AssertRefused("WarmupEpochs", () => new Trainer(network, images, Objective.HardLabels(), oneStep));
        AssertRefused("IgnoreIndex", () => Objective.Distillation(logits, new DistillationOptions { IgnoreIndex = -1 }));
        AssertRefused("IgnoreIndex", () => Objective.LogitMatching(logits, new LogitMatchingOptions { IgnoreIndex = -1 }));
        AssertRefused("nothing to learn", () => Objective.Distillation(logits, new DistillationOptions { SoftWeight = 0, HardWeight = 0 }));
        AssertRefused("9 class weights", () => new Trainer(network, images, Objective.HardLabels(classWeights: new float[9].Select(_ => 1f).ToArray()), Short));
        AssertRefused("lass weights", () => Objective.HardLabels(classWeights: [1, -1]));
        AssertRefused("lass weights", () => Objective.HardLabels(classWeights: [float.NaN, 1]));
        AssertRefused("lass weights", () => Objective.Distillation(logits, null, new float[10]));
        float[] ones = [.. Enumerable.Repeat(1f, 10)];
        AssertRefused("ClassWeights", () => new Trainer(network, images, Objective.Distillation(logits, new() { HardWeight = 0 }, ones), Short));
    }

    [Fact]
    public void One_device_that_was_opened_twice_is_told_from_two()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using DistillDevice again = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(100));
        using Network there = new Network(again, NetworkShape.Parse("784-10")).Initialize(1);
        AssertRefused(
            $"The network is on one opened device, the images are on another, though both are {device.Info}; open it once",
            () => new Trainer(there, images, Objective.HardLabels(), Short));
        using Network here = new Network(device, NetworkShape.Parse("784-10")).Initialize(1);
        using TeacherLogits logits = TeacherLogits.FromHost(again, new float[100 * 10], 100, 10);
        AssertRefused("The teacher's logits are on one opened device, the student is on another", () => new Trainer(here, images, Objective.Distillation(logits), Short));
    }

    [Fact]
    public void Options_are_refused_when_an_objective_is_made()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using TeacherLogits logits = TeacherLogits.FromHost(device, new float[100 * 10], 100, 10);
        Assert.Throws<ArgumentOutOfRangeException>(() => Objective.Distillation(logits, new DistillationOptions { Temperature = 0 }));
        Assert.Throws<ArgumentException>(() => Objective.Distillation(logits, new DistillationOptions { HardWeight = 0, LabelSmoothing = 0.1f }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Objective.LogitMatching(logits, new LogitMatchingOptions { Weight = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Objective.HardLabels(labelSmoothing: 1));
    }

    private static void AssertRefused(string part, Func<object> action)
    {
        Exception exception = Assert.ThrowsAny<ArgumentException>(action);
        Assert.Contains(part, exception.Message);
        Assert.DoesNotContain('\n', exception.Message.Split(" (Parameter")[0]);
    }
}
