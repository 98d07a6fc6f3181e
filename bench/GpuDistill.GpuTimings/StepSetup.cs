using GpuDistill.Kernels;

namespace GpuDistill.GpuTimings;

/// <summary>A distillation on random images and teacher logits, ready to be trained.</summary>
internal sealed class StepSetup : IDisposable
{
    public const float LearningRate = 0.05f;

    public static readonly DistillationOptions Loss = new();
    public static readonly SgdOptions Sgd = new() { Momentum = 0.9f };

    private readonly Stack<IDisposable> _owned = new();

    public StepSetup(DistillDevice device, NetworkShape shape, int images, int epochs, int batch)
    {
        Random random = new(7);
        int side = (int)Math.Sqrt(shape.Inputs);
        byte[] pixels = new byte[(long)images * side * side];
        random.NextBytes(pixels);
        int[] labels = [.. Enumerable.Range(0, images).Select(_ => random.Next(shape.Classes))];
        Logits = SampledCheck.Values(images * shape.Classes, 8);
        for (int i = 0; i < Logits.Length; i++)
            Logits[i] *= 8;
        Dataset = new ImageDataset("random", side, side, shape.Classes, pixels, labels);
        ResidentImages resident = Own(new ResidentImages(device, Dataset));
        TeacherLogits teacher = Own(TeacherLogits.FromHost(device, Logits, images, shape.Classes));
        Network = Own(new Network(device, shape)).Initialize(seed: 1);
        Trainer = Own(new Trainer(Network, resident, Objective.Distillation(teacher, Loss), new TrainingOptions
        {
            Epochs = epochs,
            BatchSize = batch,
            Optimizer = Optimizer.Sgd(Sgd),
            LearningRate = LearningRate,
            Decay = LearningRateDecay.None,
        }));
    }

    public ImageDataset Dataset { get; }

    /// <summary>The teacher's, [images x classes].</summary>
    public float[] Logits { get; }

    public Network Network { get; }

    public Trainer Trainer { get; }

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
            owned.Dispose();
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }
}
