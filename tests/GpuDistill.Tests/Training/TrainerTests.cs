using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Training on real MNIST: it learns, it repeats bit by bit, and it leaves the heap alone.</summary>
public class TrainerTests
{
    private static readonly TrainingOptions Short = new() { Epochs = 3, BatchSize = 50, LearningRate = 0.1f, Seed = 5 };

    public static TheoryData<KernelVariant> CpuVariants =>
        [KernelVariant.Simd512, KernelVariant.Simd256, KernelVariant.Simd128, KernelVariant.Portable];

    [Theory]
    [InlineData(Activation.Relu)]
    [InlineData(Activation.Gelu)]
    [InlineData(Activation.Tanh)]
    public void A_network_learns_digits_from_labels(Activation activation)
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using Network network = new Network(device, NetworkShape.Parse("784-64-32-10", activation)).Initialize(1);
        Evaluation evaluation = Train(device, network, TestMnist.Train(5000), Objective.HardLabels(), Short);
        Assert.InRange(evaluation.Errors, 1, 260); // of 2000: chance is 1800, measured around 180
        Assert.InRange(evaluation.CrossEntropy, 0.05, 0.5);
        Assert.Equal(evaluation.Errors, evaluation.ErrorsByClass.Sum());
    }

    [Fact]
    public void AdamW_max_norm_jitter_dropout_and_warm_up_learn_too()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using Network network = new Network(device, NetworkShape.Parse("784-64-10")).Initialize(1);
        TrainingOptions options = Short with
        {
            Optimizer = Optimizer.AdamW(new AdamWOptions { WeightDecay = 0.01f }),
            LearningRate = 2e-3f,
            Decay = LearningRateDecay.Step,
            DecayEpochs = 2,
            WarmupEpochs = 0.5f,
            MaxNorm = 2,
            Jitter = 1,
            InputDropout = 0.1f,
            HiddenDropout = 0.2f,
            Epochs = 5,
        };
        Evaluation evaluation = Train(device, network, TestMnist.Train(5000), Objective.HardLabels(), options);
        Assert.InRange(evaluation.Errors, 1, 300);
        (float[] weights, _) = network.ReadLayer(0);
        for (int unit = 0; unit < 64; unit++)
        {
            double norm = Math.Sqrt(Enumerable.Range(0, 784).Sum(i => Math.Pow(weights[(i * 64) + unit], 2)));
            Assert.InRange(norm, 0, 2.0001);
        }
    }

    [Theory]
    [MemberData(nameof(CpuVariants))]
    public void The_same_seed_gives_the_same_bits_with_any_number_of_threads(KernelVariant variant)
    {
        using DistillDevice probe = DistillDevice.Open("cpu");
        if (!probe.Kernels.Supports(variant))
            Assert.Skip($"this processor has no {variant}");
        TrainingOptions options = Short with { Epochs = 1, Jitter = 2, InputDropout = 0.2f, HiddenDropout = 0.5f };
        ImageDataset images = TestMnist.Train(variant == KernelVariant.Portable ? 100 : 1000);
        float[] first = WeightsAfter(variant, 1, images, options);
        float[] second = WeightsAfter(variant, 2, images, options);
        float[] third = WeightsAfter(variant, 3, images, options);
        Assert.Equal(first, second);
        Assert.Equal(first, third);
        Assert.NotEqual(first, WeightsAfter(variant, 1, images, options with { Seed = 6 }));
    }

    [Fact]
    public void All_variants_train_alike()
    {
        using DistillDevice probe = DistillDevice.Open("cpu");
        TrainingOptions options = Short with { Epochs = 1, LearningRate = 0.01f, Jitter = 1, HiddenDropout = 0.5f };
        ImageDataset images = TestMnist.Train(100);
        float[] portable = WeightsAfter(KernelVariant.Portable, 1, images, options);
        foreach (KernelVariant variant in CpuVariants.Select(row => row.Data).Where(probe.Kernels.Supports))
        {
            float[] weights = WeightsAfter(variant, 1, images, options);
            for (int i = 0; i < weights.Length; i++)
                Assert.True(Math.Abs(weights[i] - portable[i]) <= 1e-5, $"{variant}, weight {i}: {weights[i]:R} and {portable[i]:R}");
        }
    }

    [Fact]
    public void Interrupted_or_resumed_from_a_checkpoint_it_ends_with_the_same_bits()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(1000));
        TrainingOptions options = Short with { HiddenDropout = 0.3f, Jitter = 1, Epochs = 2 };
        float[] whole = WeightsAfter(KernelVariant.Auto, 0, images.Dataset, options);

        using Network interrupted = new Network(device, NetworkShape.Parse("784-32-10")).Initialize(1);
        using Trainer trainer = new(interrupted, images, Objective.HardLabels(), options);
        using CancellationTokenSource source = new();
        StepCounter counter = new(() => source.Cancel());
        Assert.Throws<OperationCanceledException>(() => trainer.Run("first part", counter, source.Token));
        Assert.InRange(trainer.Step, 1, trainer.Steps - 1);

        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "checkpoint.safetensors");
        trainer.SaveCheckpoint(path);
        trainer.Run();
        Assert.Equal(whole, interrupted.ReadLayer(0).Weights);

        using Network resumed = new(device, NetworkShape.Parse("784-32-10"));
        using Trainer second = new(resumed, images, Objective.HardLabels(), options);
        second.LoadCheckpoint(path);
        second.Run();
        Assert.Equal(whole, resumed.ReadLayer(0).Weights);

        using Trainer other = new(resumed, images, Objective.HardLabels(), options with { LearningRate = 0.2f });
        ModelFileException exception = Assert.Throws<ModelFileException>(() => other.LoadCheckpoint(path));
        Assert.Contains("another training: ", exception.Message);
        Assert.EndsWith("LearningRate was 0.1, is 0.2.", exception.Message, StringComparison.Ordinal);
        CheckpointSettings.Check(path, options with { Epochs = 99 }, new DistillationOptions());
        exception = Assert.Throws<ModelFileException>(() => CheckpointSettings.Check(path, options with { Seed = 6, Jitter = 2 }));
        Assert.EndsWith("Seed was 5, is 6; Jitter was 1, is 2.", exception.Message, StringComparison.Ordinal);
        Assert.Equal("these; here: those", CheckpointSettings.Difference("these", "those"));
    }

    [Fact]
    public void Progress_counts_the_epochs_and_covers_the_last_one_whole()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(130)); // 2 x 130 rows are 5.2 batches
        using Network network = new Network(device, NetworkShape.Parse("784-16-10")).Initialize(1);
        using Trainer trainer = new(network, images, Objective.HardLabels(), Short with { Epochs = 2 });
        Recorder recorder = new();
        TrainingResult result = trainer.Run("counting", recorder);
        Assert.Equal(6, result.Steps);
        Assert.Equal([1, 2], recorder.Reports.Where(report => report.IsEndOfEpoch).Select(report => report.Epoch));
        Assert.All(recorder.Reports, report => Assert.Equal(2, report.Epochs));
        Assert.Equal(TimeSpan.Zero, recorder.Reports[^1].Remaining);
        Assert.Equal(recorder.Reports[^1].Loss, result.Loss);
    }

    [Fact]
    public void A_step_has_the_launches_that_the_design_counts()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(50));
        using Network network = new Network(device, NetworkShape.Parse("784-16-16-10")).Initialize(seed: 1);
        using TeacherLogits logits = TeacherLogits.Compute([network], images);
        string[] expected =
        [
            nameof(StepClock), nameof(BatchGather), nameof(DenseForward), nameof(DenseForward), nameof(DenseForward),
            nameof(DistillationLoss), nameof(DenseBackwardWeights), nameof(DenseBackwardInput), nameof(DenseBackwardWeights),
            nameof(DenseBackwardInput), nameof(DenseBackwardWeights), nameof(AdamW),
        ];
        TrainingOptions options = Short with { Optimizer = Optimizer.AdamW(new AdamWOptions { WeightDecay = 0.1f }) };
        using Trainer plain = new(network, images, Objective.Distillation(logits), options);
        Assert.Equal(expected, plain.StepLaunches.Launches.Select(launch => launch.Operation));
        using Trainer clipped = new(network, images, Objective.Distillation(logits), options with { MaxNorm = 2 });
        Assert.Equal([.. expected, nameof(MaxNorm), nameof(MaxNorm)], clipped.StepLaunches.Launches.Select(launch => launch.Operation));
    }

    [Fact]
    public void Weights_decay_and_biases_do_not()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(50));
        using Network network = new Network(device, NetworkShape.Parse("784-16-10")).Initialize(1);
        (float[] weights, _) = network.ReadLayer(0);
        float[] biases = [.. Enumerable.Repeat(-100f, 16)]; // no unit of the first layer is ever above 0, so none has a gradient
        network.WriteLayer(0, weights, biases);
        TrainingOptions options = Short with { Optimizer = Optimizer.Sgd(new SgdOptions { WeightDecay = 0.1f }), Epochs = 1 };
        using (Trainer trainer = new(network, images, Objective.HardLabels(), options))
            trainer.Run();
        (float[] after, float[] biasesAfter) = network.ReadLayer(0);
        Assert.Equal(biases, biasesAfter);
        for (int i = 0; i < weights.Length; i++)
            Assert.Equal(weights[i] * (1 - (0.1f * 0.1f)), after[i], 1e-6f);
    }

    [Theory]
    [InlineData(MatrixPrecision.Exact)]
    [InlineData(MatrixPrecision.BFloat16)]
    public void A_step_allocates_nothing(MatrixPrecision precision)
    {
        using DistillDevice device = DistillDevice.Open("cpu", precision: precision);
        using ResidentImages images = new(device, TestMnist.Train(500));
        using Network teacher = new Network(device, NetworkShape.Parse("784-32-10")).Initialize(2);
        using TeacherLogits logits = TeacherLogits.Compute([teacher], images);
        using Network network = new Network(device, NetworkShape.Parse("784-48-32-10")).Initialize(1);
        TrainingOptions options = Short with { Jitter = 2, InputDropout = 0.2f, HiddenDropout = 0.5f, MaxNorm = 3 };
        using Trainer trainer = new(network, images, Objective.Distillation(logits), options);
        for (int i = 0; i < 200; i++)
            trainer.StepLaunches.Run(device.Stream);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            trainer.StepLaunches.Run(device.Stream);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_finished_training_says_the_same_again()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(200));
        using Network network = new Network(device, NetworkShape.Parse("784-16-10")).Initialize(1);
        using Trainer trainer = new(network, images, Objective.HardLabels(), Short with { Epochs = 1 });
        TrainingResult first = trainer.Run(), again = trainer.Run();
        Assert.Equal((first.Loss, first.Accuracy), (again.Loss, again.Accuracy));
        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "checkpoint.safetensors");
        trainer.SaveCheckpoint(path);
        trainer.LoadCheckpoint(path);
        Assert.True(double.IsNaN(trainer.Run().Loss)); // no step of it was done here
    }

    private static Evaluation Train(
        DistillDevice device, Network network, ImageDataset train, Objective objective, TrainingOptions options)
    {
        using ResidentImages images = new(device, train);
        using (Trainer trainer = new(network, images, objective, options))
            trainer.Run();
        using ResidentImages test = new(device, TestMnist.Test(2000));
        return Evaluation.Of(network, test);
    }

    private static float[] WeightsAfter(KernelVariant variant, int threads, ImageDataset dataset, TrainingOptions options)
    {
        using DistillDevice device = DistillDevice.Open("cpu", variant, threads);
        using ResidentImages images = new(device, dataset);
        using Network network = new Network(device, NetworkShape.Parse("784-32-10")).Initialize(1);
        using Trainer trainer = new(network, images, Objective.HardLabels(), options);
        trainer.Run();
        return network.ReadLayer(0).Weights;
    }
}
