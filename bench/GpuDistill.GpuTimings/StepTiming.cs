using GpuDistill.Kernels;
using ILGPU.Runtime;

namespace GpuDistill.GpuTimings;

/// <summary>
/// A whole training step as a <see cref="Trainer"/> does it: the batch gathered on the device, forward, distillation loss, backward, SGD with
/// momentum. Three steps are checked against the definition in double precision; then steps are timed by the host's clock, submitted
/// launch by launch and replayed as one recorded graph.
/// </summary>
internal static class StepTiming
{
    private const int Batch = 128;
    private const int Side = 28;

    // More than a batch has, so that batches come from memory as in a training.
    private const int Images = 1 << 16;

    private static readonly NetworkShape Shape = new([Side * Side, 800, 800, 10]);

    /// <summary>Both ways of submission in all precisions; the recorded one first.</summary>
    public static IEnumerable<Work> All(TimingDevice device)
    {
        NetworkShape shape = device.IsDry ? new([Side * Side, 32, 32, 10]) : Shape;
        foreach (MatrixPrecision precision in device.Precisions)
        {
            foreach (bool recorded in (bool[])[true, false])
            {
                string submission = recorded ? "recorded graph" : "launch by launch";
                Timing blank = new("step", $"training step {shape}, B = {Batch}, {submission}", TimingDevice.Dtype(precision))
                {
                    Rows = Batch,
                    Layers = shape.Sizes,
                    Submission = submission,
                };
                yield return new Work(blank, timing => Measure(timing, device, shape, precision, recorded));
            }
        }
    }

    private static Timing Measure(Timing timing, TimingDevice device, NetworkShape shape, MatrixPrecision precision, bool recorded)
    {
        using DistillDevice own = DistillDevice.Open(device.Selector, precision: precision);
        StepCheck.Of(own, shape, Batch);
        using StepSetup setup = new(own, shape, device.IsDry ? 4 * Batch : Images, epochs: 1, Batch);
        setup.Trainer.Run(); // an epoch
        LaunchSequence step = setup.Trainer.StepLaunches;
        AcceleratorStream stream = own.Stream;
        if (recorded && !step.IsRecorded && device.IsCuda)
            throw new InvalidOperationException($"the driver did not record the step as a graph: {step.RecordingRefusal}");
        Measured measured = new WallClock(stream, device.Rounds).Measure(() =>
        {
            if (recorded)
                step.Run(stream);
            else
                RunOneByOne(step, stream);
        });
        return timing.With(measured) with
        {
            Variant = string.Join(", ", step.Launches.Select(launch => $"{launch.Variant}").Distinct()),
            TeraFlops = Operations(shape) / measured.Seconds / 1e12,
        };
    }

    private static void RunOneByOne(LaunchSequence step, AcceleratorStream stream)
    {
        foreach (Launch launch in step.Launches)
            launch.Run(stream);
    }

    // Two per weight and row, in forward, gradient of weights and gradient of inputs (not of the images).
    private static double Operations(NetworkShape shape)
    {
        double operations = 0;
        for (int layer = 0; layer < shape.Layers; layer++)
            operations += (layer == 0 ? 4.0 : 6.0) * Batch * shape.Sizes[layer] * shape.Sizes[layer + 1];
        return operations;
    }
}
