using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Training and predicting in bf16 with parameters in single precision.</summary>
public class MixedPrecisionTests
{
    [Fact]
    public void A_step_has_two_launches_more()
    {
        using DistillDevice device = Open();
        using ResidentImages images = new(device, TestMnist.Train(50));
        using Network network = new Network(device, NetworkShape.Parse("784-16-16-10")).Initialize(1);
        using TeacherLogits logits = TeacherLogits.Compute([network], images);
        using Trainer trainer = new(network, images, Objective.Distillation(logits), new TrainingOptions { MaxNorm = 2 });
        string[] expected =
        [
            nameof(StepClock), nameof(PrecisionCast), nameof(BatchGather), nameof(DenseForward), nameof(DenseForward), nameof(DenseForward),
            nameof(DistillationLoss), nameof(PrecisionCast), nameof(DenseBackwardWeights), nameof(DenseBackwardInput),
            nameof(DenseBackwardWeights), nameof(DenseBackwardInput), nameof(DenseBackwardWeights), nameof(Sgd), nameof(MaxNorm), nameof(MaxNorm),
        ];
        Assert.Equal(expected, trainer.StepLaunches.Launches.Select(launch => launch.Operation));
    }

    // Whoever changes parameters between two steps, or before a prediction, is not answered with those of before.
    [Fact]
    public void Changed_parameters_are_used_at_once()
    {
        using DistillDevice device = Open();
        using ResidentImages images = new(device, TestMnist.Train(100));
        using Network network = new Network(device, NetworkShape.Parse("784-16-10")).Initialize(1);
        using Network other = new Network(device, network.Shape).Initialize(2);
        TrainingOptions options = new() { Epochs = 1, BatchSize = 50, Optimizer = Optimizer.Sgd(new SgdOptions { Momentum = 0 }) };
        using Trainer trainer = new(network, images, Objective.HardLabels(), options);
        using Trainer otherTrainer = new(other, images, Objective.HardLabels(), options);
        trainer.StepLaunches.Run(device.Stream);
        network.Initialize(2);
        trainer.Run();
        otherTrainer.Run();
        Assert.Equal(other.ReadLayer(0).Weights, network.ReadLayer(0).Weights);
        Assert.Equal(other.ReadLayer(1).Weights, network.ReadLayer(1).Weights);
        using TeacherLogits after = TeacherLogits.Compute([network], images);
        network.WriteLayer(1, new float[160], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10.03f]);
        Assert.Equal(10.03f, TeacherLogits.Compute([network], images).ToHost()[9]); // no logit is rounded to bf16
        Assert.NotEqual(10.03f, after.ToHost()[9]);
    }

    [Theory]
    [InlineData(KernelVariant.Simd512)]
    [InlineData(KernelVariant.Simd256)]
    [InlineData(KernelVariant.Simd128)]
    public void The_same_seed_gives_the_same_bits_with_any_number_of_threads(KernelVariant variant)
    {
        using DistillDevice probe = DistillDevice.Open("cpu");
        if (!probe.Kernels.Supports(variant))
            Assert.Skip($"this processor has no {variant}");
        float[][] weights = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using DistillDevice device = Open(variant, threads);
            using ResidentImages images = new(device, TestMnist.Train(500));
            using Network network = new Network(device, NetworkShape.Parse("784-32-10")).Initialize(1);
            TrainingOptions options = new() { Epochs = 1, BatchSize = 50, Jitter = 1, InputDropout = 0.2f, HiddenDropout = 0.5f };
            using Trainer trainer = new(network, images, Objective.HardLabels(), options);
            trainer.Run();
            return network.ReadLayer(0).Weights;
        })];
        Assert.Equal(weights[0], weights[1]);
        Assert.Equal(weights[0], weights[2]);
    }

    // The same teacher and students in single precision and in bf16. Of 2000 images; one error in twenty is one standard deviation of chance.
    [Fact]
    public void Teachers_and_students_make_about_the_errors_of_single_precision()
    {
        int[] exact = Errors(MatrixPrecision.Exact);
        int[] mixed = Errors(MatrixPrecision.BFloat16);
        Assert.All(exact.Zip(mixed), pair => Assert.InRange(pair.Second, pair.First - 30, pair.First + 30));
    }

    private static int[] Errors(MatrixPrecision precision)
    {
        using DistillDevice device = DistillDevice.Open("cpu", precision: precision);
        using ResidentImages images = new(device, TestMnist.Train(5000));
        using ResidentImages test = new(device, TestMnist.Test(2000));
        TrainingOptions options = new() { Epochs = 6, BatchSize = 50, LearningRate = 0.1f, Seed = 9 };
        using Network teacher = Trained("784-200-10", Objective.HardLabels(), options with { Jitter = 1, HiddenDropout = 0.2f });
        using Network second = Trained("784-40-10", Objective.HardLabels(), options, Activation.Gelu);
        using TeacherLogits ensemble = TeacherLogits.Compute([teacher, second], images);
        using Network student = Trained("784-40-10", Objective.Distillation(ensemble, new DistillationOptions { Temperature = 20 }), options);
        using Network matching = Trained("784-40-10", Objective.LogitMatching(ensemble), options with { LearningRate = 0.01f });
        return [.. new[] { teacher, second, student, matching }.Select(network => Evaluation.Of(network, test).Errors)];

        Network Trained(string layers, Objective objective, TrainingOptions how, Activation activation = Activation.Relu)
        {
            Network network = new Network(device, NetworkShape.Parse(layers, activation)).Initialize(3);
            using Trainer trainer = new(network, images, objective, how);
            trainer.Run();
            return network;
        }
    }

    private static DistillDevice Open(KernelVariant variant = KernelVariant.Auto, int threads = 0) =>
        DistillDevice.Open("cpu", variant, threads, MatrixPrecision.BFloat16);
}
