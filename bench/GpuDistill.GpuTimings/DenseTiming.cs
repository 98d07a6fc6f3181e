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
        foreach (MatrixPrecision precision in device.Precisions)
        {
            KernelContext kernels = device.Kernels(precision);
            IEnumerable<DensePass> passes = precision == MatrixPrecision.BFloat16
                ? new DenseLayer<BFloat16>(kernels, ElementTypes.BFloat16, batch, inputs, outputs).Passes
                : new DenseLayer<float>(kernels, ElementTypes.Single, batch, inputs, outputs).Passes;
            foreach (DensePass pass in passes)
            {
                string name = $"dense {pass.Name} [{batch} x {inputs}] -> {outputs}, ReLU";
                Timing blank = new("dense", name, TimingDevice.Dtype(precision))
                {
                    Rows = batch,
                    Columns = outputs,
                    Terms = inputs,
                    Pass = pass.Name,
                };
                yield return new Work(blank, timing => Measure(timing, device, pass, 2.0 * batch * inputs * outputs));
            }
        }
    }

    private static Timing Measure(Timing timing, TimingDevice device, DensePass pass, double operations)
    {
        using DeviceBuffers buffers = new(device.Stream.Accelerator);
        Launch[] launches = new Launch[device.Sets(pass.Bytes)];
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
            ShareOfCopyBandwidth = device.ShareOfCopy(pass.Bytes, measured),
            TeraFlops = operations / measured.Seconds / 1e12,
        };
    }
}
