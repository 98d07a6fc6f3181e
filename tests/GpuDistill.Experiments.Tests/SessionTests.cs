using GpuDistill.Kernels;
using GpuDistill.Mnist;
using Xunit;

namespace GpuDistill.Experiments.Tests;

/// <summary>Runs are done once, kept, and gone on with.</summary>
public sealed class SessionTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("gpudistill-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Interrupted_it_keeps_finished_runs_and_goes_on_to_the_same_result()
    {
        Assert.Throws<OperationCanceledException>(() => Run("mnist-table", stopAfter: 2));
        string[] kept = Directory.GetFiles(RunsDirectory, "*.json");
        Assert.Equal(2, kept.Length);
        string[] before = [.. kept.Select(File.ReadAllText)];
        Assert.Equal((4, 2), Run("mnist-table"));
        Assert.Equal(before, kept.Select(File.ReadAllText));
        string[] resumed = Measures();
        Assert.Equal((0, 6), Run("mnist-table"));

        Directory.Delete(RunsDirectory, recursive: true);
        Assert.Equal((6, 0), Run("mnist-table"));
        Assert.Equal(resumed, Measures());
    }

    [Fact]
    public void A_teacher_that_is_there_serves_another_experiment()
    {
        Run("mnist-table");
        Assert.Equal((2, 2), Run("omitted-digit"));
    }

    [Fact]
    public void Runs_on_other_images_are_not_taken_for_these()
    {
        Run("mnist-table");
        Assert.Equal((6, 0), Run("mnist-table", EmbeddedMnist.Train.Take(600)));
    }

    [Fact]
    public void Runs_in_another_precision_are_not_taken_for_these()
    {
        Run("mnist-table");
        Assert.Equal((6, 0), Run("mnist-table", precision: MatrixPrecision.BFloat16));
        Assert.Equal((0, 6), Run("mnist-table", precision: MatrixPrecision.BFloat16));
    }

    [Fact]
    public void A_damaged_network_is_made_again_with_a_warning_and_the_same_result()
    {
        Run("mnist-table");
        string[] before = Measures();
        string teacher = Directory.GetFiles(RunsDirectory, "*.safetensors").Order().First();
        byte[] whole = File.ReadAllBytes(teacher);
        File.WriteAllBytes(teacher, whole[..^100]);
        using (DistillDevice device = DistillDevice.Open("cpu"))
        using (ExperimentSession session = new(device, Tiny.Train, Tiny.Test, Tiny.Options(_directory, "mnist-table")))
            Assert.Contains(teacher, Assert.Single(session.Warnings));
        Assert.Equal((1, 5), Run("mnist-table"));
        Assert.Equal(whole, File.ReadAllBytes(teacher));
        Assert.Equal(before, Measures());
    }

    private string RunsDirectory => Path.Combine(_directory, "runs");

    private (int Done, int Found) Run(
        string name, ImageDataset? train = null, int stopAfter = int.MaxValue, MatrixPrecision precision = MatrixPrecision.Exact)
    {
        using CancellationTokenSource source = new();
        using DistillDevice device = DistillDevice.Open("cpu", precision: precision);
        using ExperimentSession session = new(
            device, train ?? Tiny.Train, Tiny.Test, Tiny.Options(_directory, name), cancellation: source.Token);
        Counter counter = new(done =>
        {
            if (done == stopAfter)
                source.Cancel();
        });
        session.Run(Assert.Single(session.Plans), counter);
        return (counter.Done, counter.Found);
    }

    // Without the times.
    private string[] Measures() =>
        [.. Directory.GetFiles(RunsDirectory, "*.json").Order().Select(path => File.ReadAllText(path).Split("\"seconds\"")[0])];

    private sealed class Counter(Action<int> done) : IProgress<TrainingProgress>
    {
        public int Done { get; private set; }

        public int Found { get; private set; }

        public void Report(TrainingProgress value)
        {
            if (!value.IsEndOfEpoch)
                return;
            if (value.Phase.EndsWith("(kept from before)", StringComparison.Ordinal))
                Found++;
            else
                done(++Done);
        }
    }
}
