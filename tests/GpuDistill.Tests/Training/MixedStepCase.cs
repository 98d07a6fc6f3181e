using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Tests.Training;

/// <summary>One step over images of 4 x 4 through three layers, on a device and by its definition.</summary>
internal sealed class MixedStepCase
{
    private const int Rows = 24;
    private const ulong Seed = 5;

    private static readonly DistillationOptions Loss = new() { Temperature = 20, SoftWeight = 0.7f, HardWeight = 0.3f };

    private readonly NetworkShape _shape;
    private readonly float _rate;
    private readonly byte[] _pixels = new byte[Rows * 16];
    private readonly int[] _labels;
    private readonly float[] _teacher;

    public MixedStepCase(DistillDevice device, Activation activation, float rate)
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
