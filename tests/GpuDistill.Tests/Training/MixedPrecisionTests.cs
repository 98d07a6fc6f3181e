using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Training and predicting in bf16 with parameters in single precision.</summary>
public class MixedPrecisionTests
{
    private const int Rows = 24;
    private const ulong Seed = 5;

    // Half the distance of two neighbours, relative to the smaller.
    private const double Unit = 1.0 / (1 << 8);

    private static readonly DistillationOptions Loss = new() { Temperature = 20, SoftWeight = 0.7f, HardWeight = 0.3f };

    public static TheoryData<Activation, float, KernelVariant> Steps => new MatrixTheoryData<Activation, float, KernelVariant>(
        [Activation.Relu, Activation.Gelu, Activation.Tanh], [0, 0.25f], [KernelVariant.Auto, KernelVariant.Portable]);

    // Rounded alike, the two differ only where a sum in single precision falls on the other side of the middle of two neighbours in bf16:
    // few elements, by one unit. Not rounded, the reference differs by a rounding of each factor of each product, of which half a dozen
    // lie one behind the other; in norms they add up like their squares.
    [Theory]
    [MemberData(nameof(Steps))]
    public void A_step_is_that_of_the_definition(Activation activation, float rate, KernelVariant variant)
    {
        using DistillDevice device = Open(variant);
        Case data = new(device, activation, rate);
        (float[] logits, (float[] Weights, float[] Biases)[] gradients) = data.Run(device);
        (double[] sameLogits, (double[] Weights, double[] Biases)[] same) = data.Reference(MixedReference.BFloat16);
        (double[] exactLogits, (double[] Weights, double[] Biases)[] exact) = data.Reference(value => value);
        Near(sameLogits, logits, Unit / 8, "logits");
        Near(exactLogits, logits, 2 * Unit, "logits, not rounded");
        for (int layer = 0; layer < gradients.Length; layer++)
        {
            Near(same[layer].Weights, gradients[layer].Weights, Unit / 8, $"weights of layer {layer}");
            Near(same[layer].Biases, gradients[layer].Biases, Unit / 8, $"biases of layer {layer}");
            Near(exact[layer].Weights, gradients[layer].Weights, 4 * Unit, $"weights of layer {layer}, not rounded");
            Near(exact[layer].Biases, gradients[layer].Biases, 4 * Unit, $"biases of layer {layer}, not rounded");
        }
    }

    // In single precision from one end to the other the same check, with a far smaller tolerance: so what is off above is bf16.
    [Fact]
    public void The_reference_is_that_of_single_precision_without_rounding()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        Case data = new(device, Activation.Gelu, 0.25f);
        (float[] logits, (float[] Weights, float[] Biases)[] gradients) = data.Run(device);
        (double[] exactLogits, (double[] Weights, double[] Biases)[] exact) = data.Reference(value => value);
        Near(exactLogits, logits, 1e-5, "logits");
        for (int layer = 0; layer < gradients.Length; layer++)
            Near(exact[layer].Weights, gradients[layer].Weights, 1e-5, $"weights of layer {layer}");
    }

    [Fact]
    public void Gradients_are_those_of_finite_differences()
    {
        using DistillDevice device = Open();
        Case data = new(device, Activation.Tanh, 0);
        (_, (float[] Weights, float[] Biases)[] gradients) = data.Run(device);
        for (int layer = 0; layer < gradients.Length; layer++)
        {
            double[] weights = data.Layers[layer].Weights;
            double[] expected = new double[weights.Length];
            for (int i = 0; i < weights.Length; i++)
                expected[i] = data.Difference(weights, i);
            Near(expected, gradients[layer].Weights, 4 * Unit, $"weights of layer {layer}");
        }
    }

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

    private static void Near(double[] expected, float[] actual, double allowed, string what)
    {
        double off = Math.Sqrt(expected.Zip(actual, (e, a) => (e - a) * (e - a)).Sum());
        double size = Math.Sqrt(expected.Sum(e => e * e));
        Assert.True(off <= allowed * size, $"{what}: off by {off / size:G3} of their length; allowed {allowed:G3}"); // false for NaN
    }

    /// <summary>Images of 4 x 4 through three layers.</summary>
    private sealed class Case
    {
        private readonly NetworkShape _shape;
        private readonly float _rate;
        private readonly byte[] _pixels = new byte[Rows * 16];
        private readonly int[] _labels;
        private readonly float[] _teacher;

        public Case(DistillDevice device, Activation activation, float rate)
        {
            _shape = new NetworkShape([16, 21, 13, 6], activation);
            _rate = rate;
            Random random = new(11);
            random.NextBytes(_pixels);
            _labels = [.. Enumerable.Range(0, Rows).Select(_ => random.Next(6))];
            _teacher = [.. Enumerable.Range(0, Rows * 6).Select(_ => 8 * random.NextSingle())];
            using Network network = new Network(device, _shape).Initialize(3);
            Layers = [.. Enumerable.Range(0, 3).Select(layer => (
                network.ReadLayer(layer).Weights.Select(value => (double)value).ToArray(),
                Enumerable.Range(0, _shape.Sizes[layer + 1]).Select(_ => (double)(random.NextSingle() - 0.5f)).ToArray()))];
        }

        public (double[] Weights, double[] Biases)[] Layers { get; }

        private double[] Images => [.. _pixels.Select(pixel => (double)(pixel * (float)(1 / 255.0)))];

        public (float[] Logits, (float[] Weights, float[] Biases)[] Gradients) Run(DistillDevice device)
        {
            using ResidentImages images = new(device, new ImageDataset("random", 4, 4, 6, _pixels, _labels));
            using Network network = new(device, _shape);
            for (int layer = 0; layer < 3; layer++)
                network.WriteLayer(layer, Floats(Layers[layer].Weights), Floats(Layers[layer].Biases));
            using TeacherLogits teacher = TeacherLogits.FromHost(device, _teacher, Rows, 6);
            ParameterLayout layout = network.Parameters.Layout;
            using Batch batch = new(images, Rows);
            using NetworkPass pass = NetworkPass.Of(network, batch, new TrainingPass(_rate, Seed, batch.Clock));
            using MemoryBuffer1D<float, Stride1D.Dense> buffer = device.Accelerator.Allocate1D<float>(layout.Length);
            using MemoryBuffer1D<LossTotals, Stride1D.Dense> totals = device.Accelerator.Allocate1D<LossTotals>(1);
            ParameterViews gradients = new(buffer.View, layout);
            using LaunchSequence forward = new(
            [
                batch.BindClock(LearningRateSchedule.Constant(0)),
                .. pass.RefreshWeights(),
                pass.Gather(new BatchOptions { Shuffle = false, Wrap = false }),
                .. pass.Forward(),
            ]);
            using LaunchSequence backward = new(
            [
                Objective.Distillation(teacher, Loss).Bind(
                    new ObjectiveBatch(device.Kernels, pass.Logits, batch.Rows, batch.Labels, ArrayView<float>.Empty, totals.View)),
                .. pass.Backward(gradients),
            ]);
            batch.StartBefore(0);
            forward.Run(device.Stream);
            float[] logits = pass.Logits.Data.ToHost(device);
            backward.Run(device.Stream);
            return (logits, [.. Enumerable.Range(0, 3).Select(layer => (
                gradients.Weights(layer).Data.ToHost(device), gradients.Biases(layer).ToHost(device)))]);
        }

        public (double[] Logits, (double[] Weights, double[] Biases)[] Gradients) Reference(Func<double, double> round)
        {
            MixedReference reference = new(_shape, Layers, DropoutFactors, _rate, round);
            double[] logits = reference.Logits(Images);
            return (logits, reference.Gradients(OfLoss(logits).Gradient));
        }

        /// <summary>The derivative of the loss by one number, without dropout and rounding.</summary>
        public double Difference(double[] values, int place)
        {
            const double Step = 1e-3; // logits are given to the loss in single precision
            double value = values[place];
            double[] totals = [.. new[] { Step, -Step }.Select(step =>
            {
                values[place] = value + step;
                return OfLoss(new MixedReference(_shape, Layers, DropoutFactors, 0, x => x).Logits(Images)).Total;
            })];
            values[place] = value;
            return (totals[0] - totals[1]) / (2 * Step);
        }

        private DistillationLoss.Reference.Batch OfLoss(double[] logits) => new DistillationLoss.Reference(Loss, 6).Run(Floats(logits), _teacher, _labels);

        private double[] DropoutFactors(int layer)
        {
            int columns = _shape.Sizes[layer + 1];
            return [.. Enumerable.Range(0, Rows * columns).Select(i =>
                Philox.Uniform(Seed, RandomStreams.Dropout(layer), 0, (uint)(i / columns), (uint)(i % columns)) >= _rate ? 1 / (1 - (double)_rate) : 0)];
        }

        private static float[] Floats(double[] values) => [.. values.Select(value => (float)value)];
    }
}
