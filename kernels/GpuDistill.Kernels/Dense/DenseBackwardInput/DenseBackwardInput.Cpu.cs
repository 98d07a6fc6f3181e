using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// The producer's backward pass is applied to a few rows of a block as soon as their sums are complete: see GemmLaunch.
public static partial class DenseBackwardInput
{
    private static Launch BindCpu(KernelContext context, Arguments<float> arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new Cpu<Simd512>(arguments, variant, context.Workers),
        KernelVariant.Simd256 => new Cpu<Simd256>(arguments, variant, context.Workers),
        _ => new Cpu<Simd128>(arguments, variant, context.Workers),
    };

    private sealed unsafe class Cpu<F>(Arguments<float> a, KernelVariant variant, CpuWorkers workers)
        : GemmLaunch<F>(nameof(DenseBackwardInput), variant, workers, a.Product, a.InputGradient)
        where F : struct, ISimd<F>
    {
        private readonly float* _output = CpuPointer.Of(a.Output);
        private readonly float* _preactivation = CpuPointer.Of(a.Preactivation);
        private readonly int* _step = CpuPointer.Of(a.Settings.Dropout.Step);
        private readonly bool _draws = a.Settings.Dropout.Rate > 0 && a.Settings.Activation != ActivationMath.Relu;

        [MethodImpl(SimdLoop.Alone)]
        protected override void Finish(float* values, int row, int column, int count)
        {
            if (a.Settings.Activation == ActivationMath.Identity && !_draws)
                return;
            uint* words = stackalloc uint[PhiloxBlock.Columns];
            DropoutRow<F> dropout = new(a.Settings.Dropout, _draws ? (uint)*_step : 0, words);
            long place = ((long)row * a.Product.Columns) + column;
            float* factors = (a.Settings.Activation == ActivationMath.Gelu ? _preactivation : _output) + place;
            for (int i = 0; i < count; i += F.Width)
            {
                if (_draws && (i == 0 || (column + i) % PhiloxBlock.Columns == 0))
                    dropout.Draw(row, column + i);
                int rest = count - i;
                if (rest >= F.Width)
                {
                    F value = Backward(F.Load(values + i), F.Load(factors + i));
                    F.Store(_draws ? dropout.Apply(value, column + i) : value, values + i);
                }
                else
                {
                    F value = Backward(F.LoadPartial(values + i, rest, 0), F.LoadPartial(factors + i, rest, 0));
                    F.StorePartial(_draws ? dropout.Apply(value, column + i) : value, values + i, rest);
                }
            }
        }

        // Without a mask the scale is applied here, with one where the mask is.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private F Backward(F gradient, F factor)
        {
            F value = SimdActivation.Backward(a.Settings.Activation, gradient, factor * F.Splat(1 - a.Settings.Dropout.Rate), factor);
            return _draws ? value : value * F.Splat(a.Settings.Dropout.Scale);
        }
    }
}
