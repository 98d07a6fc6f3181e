using GpuDistill.Kernels;

namespace GpuDistill.GpuTimings;

/// <summary>
/// The passes of a dense layer with ReLU before and behind it, each one launch: some elements checked in double precision, then timed.
/// </summary>
internal static class DenseTiming
{
    /// <summary>A wide batch through a layer of the paper's teacher.</summary>
    public static IEnumerable<Work> All(TimingDevice device)
    {
        (int batch, int inputs, int outputs) = device.IsDry ? (96, 40, 24) : (8192, 1200, 1200);
        DenseLayer layer = new(batch, inputs, outputs);
        foreach (MatrixPrecision precision in device.Precisions)
        {
            KernelContext kernels = device.Kernels(precision);
            foreach (DensePass pass in (DensePass[])[layer.Forward(kernels), layer.BackwardInput(kernels), layer.BackwardWeights(kernels)])
            {
                string name = $"dense {pass.Name} [{batch} x {inputs}] -> {outputs}, ReLU";
                Timing blank = new("dense", name, TimingDevice.Dtype(precision))
                {
                    Rows = batch,
                    Columns = outputs,
                    Terms = inputs,
                    Pass = pass.Name,
                };
                yield return new Work(blank, timing => Measure(timing, device, layer, pass));
            }
        }
    }

    private static Timing Measure(Timing timing, TimingDevice device, DenseLayer layer, DensePass pass)
    {
        using DeviceBuffers buffers = new(device.Stream.Accelerator);
        Launch[] launches = new Launch[device.Sets(layer.Bytes)];
        Action check = () => { };
        for (int i = 0; i < launches.Length; i++)
        {
            (Launch launch, check) = pass.Bind(buffers);
            launches[i] = buffers.Own(launch);
        }

        launches[^1].Run(device.Stream);
        device.Stream.Synchronize();
        check();
        Measured measured = device.MeasureInTurns(launches);
        return timing.With(measured) with
        {
            Variant = $"{launches[0].Variant}",
            MegabytesInTurns = buffers.Bytes / 1e6,
            ShareOfCopyBandwidth = device.ShareOfCopy(layer.Bytes, measured),
            TeraFlops = 2.0 * layer.Batch * layer.Inputs * layer.Outputs / measured.Seconds / 1e12,
        };
    }
}
