namespace GpuDistill.Kernels;

// The row stays in cache between its three reads (maximum, exponentials and their sum, division), so memory sees it once.
// Rows are split over the workers; within a row the order of the sum depends on the SIMD width alone.
public static partial class TemperatureSoftmax
{
    private static Launch BindCpu(KernelContext context, Arguments arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new Cpu<Simd512>(arguments, variant, context.Workers),
        KernelVariant.Simd256 => new Cpu<Simd256>(arguments, variant, context.Workers),
        _ => new Cpu<Simd128>(arguments, variant, context.Workers),
    };

    private sealed unsafe class Cpu<F>(Arguments a, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(TemperatureSoftmax), variant, workers)
        where F : struct, ISimd<F>
    {
        private readonly float* _logits = CpuPointer.Of(a.Logits);
        private readonly float* _output = CpuPointer.Of(a.Output);

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(a.Rows);
            for (long row = start; row < end; row++)
                Row(_logits + row * a.Columns, _output + row * a.Columns);
        }

        private void Row(float* logits, float* output)
        {
            int n = a.Columns;
            float maximum = SimdRow<F>.Max(logits, n);
            float sum = SimdRow<F>.ExpSum(logits, a.Log != 0 ? null : output, n, maximum, a.InverseTemperature);
            if (!(sum > 0))
                new Span<float>(output, n).Fill(float.NaN);
            else if (a.Log != 0)
                SimdRow<F>.ScaleAndShift(logits, output, n, maximum, a.InverseTemperature, -MathF.Log(sum));
            else
                SimdRow<F>.ScaleAndShift(output, output, n, 0, 1 / sum, 0);
        }
    }
}
