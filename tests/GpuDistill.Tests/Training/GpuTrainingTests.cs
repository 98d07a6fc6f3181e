using GpuDistill.Kernels;
using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Training where the device really is behind its host: a GPU, or OpenCL on the processor.</summary>
public class GpuTrainingTests
{
    private static readonly TrainingOptions Options = new() { Epochs = 3, BatchSize = 50, LearningRate = 0.1f, Seed = 5, Jitter = 1, HiddenDropout = 0.3f, MaxNorm = 3 };

    private static readonly NetworkShape Shape = NetworkShape.Parse("784-24-16-10");

    public static TheoryData<string, MatrixPrecision> Devices =>
    [
        On("cuda", MatrixPrecision.Exact),
        On("cuda", MatrixPrecision.BFloat16),
        On("opencl", MatrixPrecision.Exact),
        On("opencl", MatrixPrecision.BFloat16),
    ];

    [Theory]
    [MemberData(nameof(Devices))]
    public void It_reports_every_epoch_and_ends_with_the_same_bits_also_when_interrupted(string name, MatrixPrecision precision)
    {
        using DistillDevice device = Open(name, precision);
        using ResidentImages images = new(device, TestMnist.Train(1000));
        using Network whole = new Network(device, Shape).Initialize(1);
        Recorder recorder = new();
        using (Trainer trainer = new(whole, images, Objective.HardLabels(), Options))
        {
            TrainingResult result = trainer.Run("training", recorder);
            Assert.Equal([20, 40, 60], recorder.Reports.Where(report => report.IsEndOfEpoch).Select(report => report.Step));
            Assert.Equal((recorder.Reports[^1].Loss, recorder.Reports[^1].Accuracy), (result.Loss, result.Accuracy));
            Assert.True(recorder.Reports[^1].Loss < recorder.Reports.First(report => report.IsEndOfEpoch).Loss);
            Assert.Equal(name == "cuda", trainer.StepLaunches.IsRecorded);
        }

        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "checkpoint.safetensors");
        using Network first = new Network(device, Shape).Initialize(1);
        using (Trainer trainer = new(first, images, Objective.HardLabels(), Options))
        {
            using CancellationTokenSource source = new();
            Assert.Throws<OperationCanceledException>(() => trainer.Run("first part", new StepCounter(source.Cancel), source.Token));
            Assert.InRange(trainer.Step, 1, trainer.Steps - 1);
            trainer.SaveCheckpoint(path);
        }

        using Network resumed = new(device, Shape);
        using (Trainer trainer = new(resumed, images, Objective.HardLabels(), Options))
        {
            trainer.LoadCheckpoint(path);
            trainer.Run();
        }

        for (int layer = 0; layer < Shape.Layers; layer++)
        {
            Assert.Equal(whole.ReadLayer(layer).Weights, resumed.ReadLayer(layer).Weights);
            Assert.Equal(whole.ReadLayer(layer).Biases, resumed.ReadLayer(layer).Biases);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void An_invalid_row_ends_the_training(string name, MatrixPrecision precision)
    {
        using DistillDevice device = Open(name, precision);
        using ResidentImages images = new(device, TestMnist.Train(500));
        using Network network = new Network(device, Shape).Initialize(1);
        using TeacherLogits logits = LateLossesTests.WithoutRow(network, images, 123);
        using Trainer trainer = new(network, images, Objective.Distillation(logits), Options);
        InvalidRowException exception = Assert.Throws<InvalidRowException>(() => trainer.Run());
        Assert.Contains("123", exception.Message);
    }

    private static TheoryDataRow<string, MatrixPrecision> On(string device, MatrixPrecision precision) =>
        new(device, precision) { Traits = { [TestDevices.DeviceTrait] = [device] } };

    private static DistillDevice Open(string name, MatrixPrecision precision)
    {
        try
        {
            return DistillDevice.Open(name, precision: precision);
        }
        catch (DeviceNotFoundException)
        {
            string[] required = (Environment.GetEnvironmentVariable(TestDevices.RequireVariable) ?? "").Split(',', StringSplitOptions.TrimEntries);
            Assert.False(required.Contains(name), $"{TestDevices.RequireVariable} asks for {name}, and there is no such device.");
            Assert.Skip($"no {name} device on this machine");
            throw;
        }
    }
}
