using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Training on a device whose losses arrive late, as they do on a GPU: nothing that is reported or thrown may depend on it.</summary>
public class LateLossesTests
{
    private static readonly TrainingOptions Options = new() { Epochs = 3, BatchSize = 50, LearningRate = 0.1f, Seed = 5, Jitter = 1, HiddenDropout = 0.3f };

    private static readonly NetworkShape Shape = NetworkShape.Parse("784-16-10");

    // 260 rows are 5.2 batches, 50 rows one: every step ends an epoch. 20 rows: a step goes through 2.5 epochs.
    [Theory]
    [InlineData(260)]
    [InlineData(50)]
    [InlineData(20)]
    public void Every_epoch_is_reported_exactly_and_in_order(int rows)
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(rows));
        (List<TrainingProgress> Reports, TrainingResult Result, float[] Weights) Train(bool late)
        {
            using Network network = new Network(device, Shape).Initialize(1);
            using Trainer trainer = late ? Late(network, images) : new(network, images, Objective.HardLabels(), Options);
            Recorder recorder = new();
            TrainingResult result = trainer.Run("training", recorder);
            return (recorder.Reports, result, network.ReadLayer(0).Weights);
        }

        (List<TrainingProgress> expected, TrainingResult expectedResult, float[] weights) = Train(late: false);
        (List<TrainingProgress> actual, TrainingResult result, float[] same) = Train(late: true);
        Assert.Equal(weights, same);
        Assert.Equal(EpochEnds(expected), EpochEnds(actual));
        Assert.Equal(actual.Select(report => report.Step).Order().Distinct(), actual.Select(report => report.Step));
        Assert.All(actual, report => Assert.True(report.Epoch is >= 1 and <= 3 && report.Remaining >= TimeSpan.Zero));
        Assert.Equal((expectedResult.Loss, expectedResult.Accuracy), (result.Loss, result.Accuracy));
        Assert.Equal((actual[^1].Loss, result.Steps), (result.Loss, actual[^1].Step));
        Assert.True(double.IsFinite(result.Loss));
    }

    [Fact]
    public void An_invalid_row_ends_the_training_although_its_steps_have_long_been_submitted()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(500));
        using Network network = new Network(device, Shape).Initialize(1);
        using TeacherLogits logits = WithoutRow(network, images, 123);
        using Trainer trainer = Late(network, images, Objective.Distillation(logits));
        Recorder recorder = new();
        InvalidRowException exception = Assert.Throws<InvalidRowException>(() => trainer.Run("training", recorder));
        Assert.Contains("123", exception.Message);
        Assert.InRange(trainer.Step, 1, 12); // the first epoch has 10 steps, and two readbacks are under way at most
        Assert.DoesNotContain(recorder.Reports, report => report.IsEndOfEpoch);
    }

    [Fact]
    public void An_invalid_row_goes_before_a_cancellation()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(500));
        using Network network = new Network(device, Shape).Initialize(1);
        (float[] weights, float[] biases) = network.ReadLayer(1);
        biases[3] = float.NaN;
        network.WriteLayer(1, weights, biases);
        using CancellationTokenSource source = new();
        using Trainer trainer = Late(network, images, begun: source.Cancel);
        Assert.Throws<InvalidRowException>(() => trainer.Run(cancellation: source.Token));
        Assert.InRange(trainer.Step, 1, 2);
    }

    [Fact]
    public void Cancelled_it_knows_its_step_and_ends_with_the_same_bits_when_resumed()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(330));
        using Network whole = new Network(device, Shape).Initialize(1);
        using (Trainer trainer = Late(whole, images))
            trainer.Run();

        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "checkpoint.safetensors");
        using Network network = new Network(device, Shape).Initialize(1);
        List<TrainingProgress> reports = [];
        using (CancellationTokenSource source = new())
        {
            int begun = 0;
            using Trainer trainer = Late(network, images, begun: () =>
            {
                if (++begun == 3)
                    source.Cancel();
            });
            Recorder recorder = new();
            Assert.Throws<OperationCanceledException>(() => trainer.Run("first part", recorder, source.Token));
            Assert.InRange(trainer.Step, 1, trainer.Steps - 1);
            reports = recorder.Reports;
            Assert.All(reports, report => Assert.InRange(report.Step, 1, trainer.Step));
            trainer.SaveCheckpoint(path);
        }

        using Network resumed = new(device, Shape);
        using (Trainer trainer = Late(resumed, images))
        {
            trainer.LoadCheckpoint(path);
            Recorder recorder = new();
            trainer.Run("second part", recorder);
            Assert.Equal([1, 2, 3], reports.Concat(recorder.Reports).Where(report => report.IsEndOfEpoch).Select(report => report.Epoch));
        }

        for (int layer = 0; layer < Shape.Layers; layer++)
        {
            Assert.Equal(whole.ReadLayer(layer).Weights, resumed.ReadLayer(layer).Weights);
            Assert.Equal(whole.ReadLayer(layer).Biases, resumed.ReadLayer(layer).Biases);
        }
    }

    // Teacher's logits in which one row is NaN.
    internal static TeacherLogits WithoutRow(Network teacher, ResidentImages images, int row)
    {
        TeacherLogits logits = TeacherLogits.Compute([teacher], images);
        float[] nothing = [.. Enumerable.Repeat(float.NaN, logits.Classes)];
        logits.Logits.Data.SubView((long)row * logits.Classes, logits.Classes).FromHost(images.Device, nothing);
        return logits;
    }

    private static Trainer Late(Network network, ResidentImages images, Objective? objective = null, Action? begun = null) => new(
        network, images, objective ?? Objective.HardLabels(), Options, null, (stream, totals) => new LateReadback<LossTotals>(stream, totals, begun));

    private static IEnumerable<(int Epoch, long Step, double Loss, double Accuracy)> EpochEnds(IEnumerable<TrainingProgress> reports) =>
        reports.Where(report => report.IsEndOfEpoch).Select(report => (report.Epoch, report.Step, report.Loss, report.Accuracy));
}
