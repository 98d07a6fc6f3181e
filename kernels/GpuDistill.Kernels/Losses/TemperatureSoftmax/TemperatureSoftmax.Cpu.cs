using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// The row stays in cache between its three reads (maximum, exponentials and their sum, division), so memory sees it once.
// Rows are split over the workers; within a row the order of the sum depends on the SIMD width alone. The lanes of the last
// vector that lie beyond the row hold the identity of each reduction.
public static partial class TemperatureSoftmax
{
    private static Launch BindCpu<T, TStorage>(KernelContext context, Arguments<T> arguments, KernelVariant variant)
        where T : unmanaged
        where TStorage : unmanaged, ISimdStorage<T> =>
        variant switch
        {
            KernelVariant.Simd512 => new Cpu<Simd512, T, TStorage>(arguments, variant, context.Workers) { Holds = arguments },
            KernelVariant.Simd256 => new Cpu<Simd256, T, TStorage>(arguments, variant, context.Workers) { Holds = arguments },
            _ => new Cpu<Simd128, T, TStorage>(arguments, variant, context.Workers) { Holds = arguments },
        };

    private sealed unsafe class Cpu<F, T, TStorage>(Arguments<T> a, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(TemperatureSoftmax), variant, workers)
        where F : struct, ISimd<F>
        where T : unmanaged
        where TStorage : unmanaged, ISimdStorage<T>
    {
        private readonly T* _logits = CpuPointer.Of(a.Logits);
        private readonly T* _output = CpuPointer.Of(a.Output);
        private readonly int _columns = a.Settings.Columns;
        private readonly float _inverseTemperature = a.Settings.InverseTemperature;
        private readonly bool _log = a.Settings.Log != 0;

        // Only an output of single precision can hold the exponentials until their sum is known.
        private static bool Keeps => typeof(T) == typeof(float);

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(a.Rows);
            for (long row = start; row < end; row++)
                Row(_logits + (row * _columns), _output + (row * _columns));
        }

        private void Row(T* logits, T* output)
        {
            float maximum = Max(logits);
            float sum = ExpSum(logits, output, maximum);
            if (!(sum > 0))
                FillNaN(output);
            else if (_log)
                StoreLog(logits, output, maximum, MathF.Log(sum));
            else
                Store(logits, output, maximum, 1 / sum);
        }

        [MethodImpl(SimdLoop.Alone)]
        private float Max(T* logits)
        {
            F maximum = F.Splat(float.NegativeInfinity);
            for (int i = 0; i < _columns; i += F.Width)
                maximum = F.Max(Load(logits, i, float.NegativeInfinity), maximum);
            return F.HorizontalMax(maximum);
        }

        [MethodImpl(SimdLoop.Alone)]
        private float ExpSum(T* logits, T* output, float maximum)
        {
            F sum = F.Splat(0);
            F shift = F.Splat(maximum);
            F scale = F.Splat(_inverseTemperature);
            for (int i = 0; i < _columns; i += F.Width)
            {
                F e = SimdMath.Exp((Load(logits, i, float.NegativeInfinity) - shift) * scale);
                sum += e;
                if (Keeps && !_log)
                    Store(e, output, i);
            }

            return F.Sum(sum);
        }

        [MethodImpl(SimdLoop.Alone)]
        private void Store(T* logits, T* output, float maximum, float inverseSum)
        {
            F shift = F.Splat(maximum);
            F scale = F.Splat(_inverseTemperature);
            F factor = F.Splat(inverseSum);
            for (int i = 0; i < _columns; i += F.Width)
            {
                F e = Keeps ? Load(output, i, 0) : SimdMath.Exp((Load(logits, i, float.NegativeInfinity) - shift) * scale);
                Store(e * factor, output, i);
            }
        }

        [MethodImpl(SimdLoop.Alone)]
        private void StoreLog(T* logits, T* output, float maximum, float logSum)
        {
            F shift = F.Splat(maximum);
            F scale = F.Splat(_inverseTemperature);
            F offset = F.Splat(-logSum);
            for (int i = 0; i < _columns; i += F.Width)
                Store(((Load(logits, i, 0) - shift) * scale) + offset, output, i);
        }

        private void FillNaN(T* output)
        {
            for (int i = 0; i < _columns; i += F.Width)
                Store(F.Splat(float.NaN), output, i);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private F Load(T* row, int i, float rest) =>
            i + F.Width <= _columns ? TStorage.Load<F>(row + i) : TStorage.LoadPartial<F>(row + i, _columns - i, rest);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Store(F value, T* row, int i)
        {
            if (i + F.Width <= _columns)
                TStorage.Store(value, row + i);
            else
                TStorage.StorePartial(value, row + i, _columns - i);
        }
    }
}
