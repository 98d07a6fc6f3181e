using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Whoever uses what was disposed of is told so.</summary>
public class DisposalTests
{
    private static readonly TrainingOptions Short = new() { Epochs = 3, BatchSize = 50, LearningRate = 0.1f, Seed = 5 };

    [Fact]
    public void Disposed_in_a_progress_report_it_says_so()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Train(100));
        using Network network = new Network(device, NetworkShape.Parse("784-10")).Initialize(1);
        Trainer? trainer = null;
        using Trainer disposed = trainer = new(network, images, Objective.HardLabels(), Short);
        ObjectDisposedException exception = Assert.Throws<ObjectDisposedException>(() => trainer.Run(progress: new StepCounter(() => trainer.Dispose())));
        Assert.Equal(typeof(Trainer).FullName, exception.ObjectName);
    }

    [Fact]
    public void What_was_disposed_is_an_exception_and_never_a_crash()
    {
        DistillDevice device = DistillDevice.Open("cpu");
        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "checkpoint.safetensors");
        foreach (int gone in Enumerable.Range(0, 6))
        {
            ResidentImages whole = new(device, TestMnist.Train(100));
            ResidentImages images = whole.Subset([.. Enumerable.Range(0, 90)]);
            Network network = new Network(device, NetworkShape.Parse("784-8-10")).Initialize(1);
            TeacherLogits logits = TeacherLogits.Compute([network], whole);
            Trainer trainer = new(network, images, Objective.Distillation(logits), Short);
            IDisposable[] disposable = [network, images, whole, logits, trainer, device];
            disposable[gone].Dispose();
            Assert.Throws<ObjectDisposedException>(() => trainer.Run());
            if (gone is 0 or 3 or 4 or 5)
            {
                Assert.Throws<ObjectDisposedException>(() => trainer.SaveCheckpoint(path));
                Assert.False(File.Exists(path));
            }

            if (gone is 0)
            {
                Assert.Throws<ObjectDisposedException>(() => network.ReadLayer(0));
                Assert.Throws<ObjectDisposedException>(() => network.WriteLayer(0, [], []));
                Assert.Throws<ObjectDisposedException>(() => network.Initialize(1));
                Assert.Throws<ObjectDisposedException>(() => ModelFile.Save(network, path));
            }

            if (gone is 3)
            {
                Assert.Throws<ObjectDisposedException>(() => logits.ToHost());
                Assert.Throws<ObjectDisposedException>(() => logits.Save(path));
            }

            if (gone is 0 or 1 or 2)
            {
                Assert.Throws<ObjectDisposedException>(() => TeacherLogits.Compute([network], images));
                Assert.Throws<ObjectDisposedException>(() => Evaluation.Of(network, images));
                Assert.Throws<ObjectDisposedException>(() => new Trainer(network, images, Objective.HardLabels(), Short));
            }
        }
    }
}
