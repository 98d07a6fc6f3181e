using GpuDistill.Kernels;
using ILGPU;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>A label out of range is named with its row and its value, wherever it is found.</summary>
public class InvalidLabelTests
{
    private const string Message = "Row 345 of 'MNIST train': the label 12 is out of range; with 10 classes it must be 0 to 9.";

    private static readonly TrainingOptions Options = new() { Epochs = 1, BatchSize = 50 };

    // Labels are checked before they go to the device; what is wrong there was written there.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void On_the_device_while_training(bool distilled)
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = WithWrongLabel(device);
        using Network network = new Network(device, NetworkShape.Parse("784-16-10")).Initialize(1);
        using TeacherLogits logits = TeacherLogits.Compute([network], images);
        using Trainer trainer = new(network, images, distilled ? Objective.Distillation(logits) : Objective.HardLabels(), Options);
        AssertNamed(Assert.Throws<InvalidRowException>(() => trainer.Run()));
    }

    [Fact]
    public void On_the_device_while_gradients_are_compared()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = WithWrongLabel(device);
        using Network network = new Network(device, NetworkShape.Parse("784-16-10")).Initialize(1);
        AssertNamed(Assert.Throws<InvalidRowException>(() => GradientSpread.Of(network, images, Objective.HardLabels())));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(-1)]
    public void On_the_host_before_anything_is_trained(int label)
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        ImageDataset dataset = TestMnist.Train(20);
        dataset.Labels[7] = label; // to be read only, which nothing enforces
        using ResidentImages images = new(device, dataset);
        using Network network = new Network(device, NetworkShape.Parse("784-16-10")).Initialize(1);
        string expected = $"Row 7 of 'MNIST train' has the label {label}; the network has 10 classes, 0 to 9.";
        Assert.Equal(expected, Assert.Throws<ArgumentException>(() => new Trainer(network, images, Objective.HardLabels(), Options)).Message);
        Assert.Equal(expected, Assert.Throws<ArgumentException>(() => Evaluation.Of(network, images)).Message);
    }

    private static ResidentImages WithWrongLabel(DistillDevice device)
    {
        ResidentImages images = new(device, TestMnist.Train(400));
        ArrayView<int> labels = images.Source.Labels;
        labels.SubView(345, 1).FromHost(device, [12]);
        return images;
    }

    private static void AssertNamed(InvalidRowException exception) =>
        Assert.Equal((345, InvalidRowReason.Label, 12, Message), (exception.Row, exception.Reason, exception.Label, exception.Message));
}
