using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// The product is GemmLaunch's; the column sums are cut among the workers by columns and read the gradient along memory.
public static partial class DenseBackwardWeights
{
    private static Launch BindCpu(KernelContext context, Arguments<float> arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new Cpu<Simd512>(arguments, variant, context.Workers),
        KernelVariant.Simd256 => new Cpu<Simd256>(arguments, variant, context.Workers),
        _ => new Cpu<Simd128>(arguments, variant, context.Workers),
    };

    private sealed unsafe class Cpu<F>(Arguments<float> a, KernelVariant variant, CpuWorkers workers)
        : GemmLaunch<F>(nameof(DenseBackwardWeights), variant, workers, a.Product, a.WeightGradients)
        where F : struct, ISimd<F>
    {
        // A cache line of columns per row, four times.
        private const int Grain = 64;

        private readonly float* _gradient = CpuPointer.Of(a.Product.Right);
        private readonly float* _biasGradients = CpuPointer.Of(a.BiasGradients);

        protected override void Prepare(CpuTeam team)
        {
            (long first, long last) = team.Part(a.Product.Columns, Grain);
            long column = first;
            for (; column + (4 * F.Width) <= last; column += 4 * F.Width)
                SumFour(column);
            for (; column < last; column += F.Width)
                SumOne(column, (int)Math.Min(F.Width, last - column));
        }

        [MethodImpl(SimdLoop.Alone)]
        private void SumFour(long column)
        {
            F s0 = F.Splat(0);
            F s1 = s0;
            F s2 = s0;
            F s3 = s0;
            float* source = _gradient + column;
            for (int row = 0; row < a.Product.Terms; row++)
            {
                s0 += F.Load(source);
                s1 += F.Load(source + F.Width);
                s2 += F.Load(source + (2 * F.Width));
                s3 += F.Load(source + (3 * F.Width));
                source += a.Product.Columns;
            }

            F.Store(s0, _biasGradients + column);
            F.Store(s1, _biasGradients + column + F.Width);
            F.Store(s2, _biasGradients + column + (2 * F.Width));
            F.Store(s3, _biasGradients + column + (3 * F.Width));
        }

        [MethodImpl(SimdLoop.Alone)]
        private void SumOne(long column, int count)
        {
            F sum = F.Splat(0);
            float* source = _gradient + column;
            float* end = _gradient + ((long)a.Product.Terms * a.Product.Columns);
            for (int row = 0; row < a.Product.Terms; row++)
            {
                // A vector that reaches into the next row adds numbers to lanes that are not stored.
                sum += source + F.Width <= end ? F.Load(source) : F.LoadPartial(source, count, 0);
                source += a.Product.Columns;
            }

            if (count == F.Width)
                F.Store(sum, _biasGradients + column);
            else
                F.StorePartial(sum, _biasGradients + column, count);
        }
    }
}
