using GpuDistill.Kernels;
using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>A training, or a run of a teacher, that cannot be bound leaves no buffer to the finalizer, whichever of its kernels is refused.</summary>
public class FailedBindTests
{
    private static readonly TrainingOptions Options = new() { Epochs = 1, BatchSize = 20, Optimizer = Optimizer.AdamW(), MaxNorm = 1, HiddenDropout = 0.2f };

    [Theory]
    [InlineData(MatrixPrecision.Exact)]
    [InlineData(MatrixPrecision.BFloat16)]
    public void A_trainer(MatrixPrecision precision) => FreesAll(precision, (network, images) =>
    {
        using TeacherLogits logits = TeacherLogits.FromHost(images.Device, new float[images.Count * 10], images.Count, 10);
        new Trainer(network, images, Objective.Distillation(logits), Options).Dispose();
    });

    [Theory]
    [InlineData(MatrixPrecision.Exact)]
    [InlineData(MatrixPrecision.BFloat16)]
    public void The_logits_of_a_teacher(MatrixPrecision precision) =>
        FreesAll(precision, (network, images) => TeacherLogits.Compute([network, network], images).Dispose());

    [Fact]
    public void The_spread_of_gradients() => FreesAll(MatrixPrecision.BFloat16, (network, images) =>
        GradientSpread.Of(network, images, Objective.HardLabels()));

    private static void FreesAll(MatrixPrecision precision, Action<Network, ResidentImages> bind)
    {
        ImageDataset dataset = TestMnist.Train(20);
        for (int kernels = 0; ; kernels++)
        {
            using DistillDevice device = DistillDevice.Open(
                "cpu", KernelVariant.Portable, 0, DeviceCatalog.Find(), precision, new RefusingLoader(kernels));
            using ResidentImages images = new(device, dataset);
            using Network network = new Network(device, NetworkShape.Parse("784-16-10", Activation.Gelu)).Initialize(1);
            int live = LiveBuffers.Of(device.Accelerator);
            bool refused = false;
            try
            {
                bind(network, images);
            }
            catch (NotSupportedException exception) when (exception.Message.StartsWith("Kernel ", StringComparison.Ordinal))
            {
                refused = true;
            }

            Assert.Equal(live, LiveBuffers.Of(device.Accelerator));
            if (refused)
                continue;
            Assert.True(kernels >= 4);
            return;
        }
    }
}
