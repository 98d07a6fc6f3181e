using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// Bias, activation and dropout are applied to a few rows of a block as soon as their sums are complete: see GemmLaunch.
public static partial class DenseForward
{
    private static Launch BindCpu(KernelContext context, Arguments<float, float> arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new Cpu<Simd512>(arguments, variant, context.Workers),
        KernelVariant.Simd256 => new Cpu<Simd256>(arguments, variant, context.Workers),
        _ => new Cpu<Simd128>(arguments, variant, context.Workers),
    };

    private sealed unsafe class Cpu<F>(Arguments<float, float> a, KernelVariant variant, CpuWorkers workers)
        : GemmLaunch<F>(nameof(DenseForward), variant, workers, a.Product, a.Output)
        where F : struct, ISimd<F>
    {
        private readonly float* _biases = CpuPointer.Of(a.Settings.Biases);
        private readonly float* _preactivation = a.Settings.KeepsPreactivation != 0 ? CpuPointer.Of(a.Preactivation) : null;
        private readonly int* _step = CpuPointer.Of(a.Settings.Dropout.Step);

        [MethodImpl(SimdLoop.Alone)]
        protected override void Finish(float* values, int row, int column, int count)
        {
            uint* words = stackalloc uint[PhiloxBlock.Columns];
            bool drops = a.Settings.Dropout.Rate > 0;
            DropoutRow<F> dropout = new(a.Settings.Dropout, drops ? (uint)*_step : 0, words);
            float* biases = _biases + column;
            float* kept = _preactivation == null ? null : _preactivation + ((long)row * a.Product.Columns) + column;
            for (int i = 0; i < count; i += F.Width)
            {
                if (drops && (i == 0 || (column + i) % PhiloxBlock.Columns == 0))
                    dropout.Draw(row, column + i);
                int rest = count - i;
                if (rest >= F.Width)
                {
                    F sum = F.Load(values + i) + F.Load(biases + i);
                    if (kept != null)
                        F.Store(sum, kept + i);
                    F value = SimdActivation.Apply(a.Settings.Activation, sum);
                    F.Store(drops ? dropout.Apply(value, column + i) : value, values + i);
                }
                else
                {
                    F sum = F.LoadPartial(values + i, rest, 0) + F.LoadPartial(biases + i, rest, 0);
                    if (kept != null)
                        F.StorePartial(sum, kept + i, rest);
                    F value = SimdActivation.Apply(a.Settings.Activation, sum);
                    F.StorePartial(drops ? dropout.Apply(value, column + i) : value, values + i, rest);
                }
            }
        }
    }
}
