using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Checkpoints: the same training goes on bit by bit, and any other is refused.</summary>
public class CheckpointTests
{
    private static readonly TrainingOptions Short = new() { Epochs = 3, BatchSize = 50, LearningRate = 0.1f, Seed = 5 };

    [Fact]
    public void A_checkpoint_of_another_training_is_refused_whatever_differs()
    {
        using DistillDevice device = DistillDevice.Open("cpu", KernelVariant.Simd128);
        using ResidentImages images = new(device, TestMnist.Train(200));
        using ResidentImages subset = images.Subset([.. Enumerable.Range(0, 150)]);
        using Network network = new Network(device, NetworkShape.Parse("784-8-10")).Initialize(1);
        using Network second = new Network(device, NetworkShape.Parse("784-8-10")).Initialize(2);
        using TeacherLogits logits = TeacherLogits.Compute([network], images);
        using TeacherLogits others = TeacherLogits.Compute([second], images);
        using TeacherLogits same = TeacherLogits.FromHost(device, logits.ToHost(), 200, 10);
        TrainingOptions options = Short with { Epochs = 2 };
        float[] weights = [1, 1, 1, 1, 1, 1, 1, 1, 1, 2];
        using Trainer trainer = new(network, subset, Objective.Distillation(logits), options);
        string path = Checkpoint(trainer);
        trainer.LoadCheckpoint(path);
        Accepts(new(second, subset, Objective.Distillation(same), options)); // the bits count, not the object

        using Network tanh = new(device, NetworkShape.Parse("784-8-10", Activation.Tanh));
        Refuses("network", new(tanh, subset, Objective.Distillation(logits), options));
        Refuses("objective", new(network, subset, Objective.HardLabels(), options));
        Refuses("objective", new(network, subset, Objective.Distillation(logits, null, weights), options));
        Refuses("objective", new(network, subset, Objective.Distillation(logits, new() { Temperature = 5 }), options));
        Refuses("teacher", new(network, subset, Objective.Distillation(others), options));
        Refuses("images", new(network, images, Objective.Distillation(logits), options));
        using ResidentImages otherRows = images.Subset([.. Enumerable.Range(1, 150)]);
        Refuses("images", new(network, otherRows, Objective.Distillation(logits), options));
        byte[] pixels = [.. images.Dataset.Pixels];
        pixels[1234]++;
        using ResidentImages changed = new(device, new ImageDataset(images.Dataset.Name, 28, 28, 10, pixels, images.Dataset.Labels));
        using ResidentImages changedSubset = changed.Subset([.. Enumerable.Range(0, 150)]);
        Refuses("images", new(network, changedSubset, Objective.Distillation(same), options)); // logits that know their images are refused before
        using ResidentImages relabelled = new(device, images.Dataset.WithLabels([.. images.Dataset.Labels.Select(label => (label + 1) % 10)]));
        using ResidentImages relabelledSubset = relabelled.Subset([.. Enumerable.Range(0, 150)]);
        Refuses("images", new(network, relabelledSubset, Objective.Distillation(logits), options));
        Refuses("options", new(network, subset, Objective.Distillation(logits), options with { Seed = 6 }));
        Refuses("options", new(network, subset, Objective.Distillation(logits), options with { Optimizer = Optimizer.AdamW() }));

        using DistillDevice portable = DistillDevice.Open("cpu", KernelVariant.Portable);
        using ResidentImages there = new(portable, images.Dataset);
        using ResidentImages thereSubset = there.Subset([.. Enumerable.Range(0, 150)]);
        using Network student = new(portable, NetworkShape.Parse("784-8-10"));
        using TeacherLogits copy = TeacherLogits.FromHost(portable, logits.ToHost(), 200, 10);
        Refuses("kernels", new(student, thereSubset, Objective.Distillation(copy), options));

        using DistillDevice mixed = DistillDevice.Open("cpu", KernelVariant.Simd128, precision: MatrixPrecision.BFloat16);
        using ResidentImages inBFloat16 = new(mixed, images.Dataset);
        using ResidentImages inBFloat16Subset = inBFloat16.Subset([.. Enumerable.Range(0, 150)]);
        using Network mixedStudent = new(mixed, NetworkShape.Parse("784-8-10"));
        using TeacherLogits mixedCopy = TeacherLogits.FromHost(mixed, logits.ToHost(), 200, 10);
        Refuses("kernels", new(mixedStudent, inBFloat16Subset, Objective.Distillation(mixedCopy), options));

        // To go on for longer changes a cosine's whole curve, and nothing else.
        Refuses("options", new(network, subset, Objective.Distillation(logits), options with { Epochs = 3 }));
        using Trainer steady = new(network, subset, Objective.Distillation(logits), options with { Decay = LearningRateDecay.Step });
        path = Checkpoint(steady);
        Accepts(new(network, subset, Objective.Distillation(logits), options with { Decay = LearningRateDecay.Step, Epochs = 3 }));

        void Accepts(Trainer other)
        {
            using (other)
                other.LoadCheckpoint(path);
        }

        void Refuses(string part, Trainer other)
        {
            using (other)
            {
                ModelFileException exception = Assert.Throws<ModelFileException>(() => other.LoadCheckpoint(path));
                Assert.Contains($"another training: its {part}:", exception.Message);
                Assert.DoesNotContain('\n', exception.Message);
            }
        }
    }

    [Theory]
    [InlineData(LearningRateDecay.Cosine, 3)]
    [InlineData(LearningRateDecay.Step, 3)]
    [InlineData(LearningRateDecay.Step, 2)]
    [InlineData(LearningRateDecay.Cosine, 3, MatrixPrecision.BFloat16)]
    [InlineData(LearningRateDecay.Step, 2, MatrixPrecision.BFloat16)]
    public void AdamW_resumed_ends_with_the_same_bits_in_all_layers_also_when_extended(
        LearningRateDecay decay, int epochsAtFirst, MatrixPrecision precision = MatrixPrecision.Exact)
    {
        using DistillDevice device = DistillDevice.Open("cpu", precision: precision);
        using ResidentImages images = new(device, TestMnist.Train(330));
        TrainingOptions options = Short with
        {
            Optimizer = Optimizer.AdamW(),
            LearningRate = 2e-3f,
            Decay = decay,
            DecayEpochs = 1,
            WarmupEpochs = 0.5f,
            HiddenDropout = 0.2f,
            MaxNorm = 2,
        };
        NetworkShape shape = NetworkShape.Parse("784-24-16-10", Activation.Gelu);
        using Network whole = new Network(device, shape).Initialize(1);
        using (Trainer trainer = new(whole, images, Objective.HardLabels(), options))
            trainer.Run();

        using Network first = new Network(device, shape).Initialize(1);
        string path;
        using (Trainer trainer = new(first, images, Objective.HardLabels(), options with { Epochs = epochsAtFirst }))
        {
            using CancellationTokenSource source = new();
            Assert.Throws<OperationCanceledException>(() => trainer.Run("part", new StepCounter(source.Cancel), source.Token));
            Assert.InRange(trainer.Step, 1, trainer.Steps - 1);
            path = Checkpoint(trainer);
        }

        using Network resumed = new(device, shape);
        using (Trainer trainer = new(resumed, images, Objective.HardLabels(), options))
        {
            trainer.LoadCheckpoint(path);
            trainer.Run();
        }

        for (int layer = 0; layer < shape.Layers; layer++)
        {
            Assert.Equal(whole.ReadLayer(layer).Weights, resumed.ReadLayer(layer).Weights);
            Assert.Equal(whole.ReadLayer(layer).Biases, resumed.ReadLayer(layer).Biases);
            Assert.NotEqual(first.ReadLayer(layer).Biases, resumed.ReadLayer(layer).Biases);
        }
    }

    private static string Checkpoint(Trainer trainer)
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "checkpoint.safetensors");
        trainer.SaveCheckpoint(path);
        return path;
    }
}
