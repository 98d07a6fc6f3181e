using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// The batch's row stays in cache between its reads; the store is touched once. Rows are split over the workers. No two
// batch rows have the same place in the store, so nothing is added by two workers.
public static partial class TeacherMean
{
    private static Launch BindCpuAdd(KernelContext context, AddArguments arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new CpuAdd<Simd512>(arguments, variant, context.Workers),
        KernelVariant.Simd256 => new CpuAdd<Simd256>(arguments, variant, context.Workers),
        _ => new CpuAdd<Simd128>(arguments, variant, context.Workers),
    };

    private static Launch BindCpuFinish(KernelContext context, FinishArguments arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new CpuFinish<Simd512>(arguments, variant, context.Workers),
        KernelVariant.Simd256 => new CpuFinish<Simd256>(arguments, variant, context.Workers),
        _ => new CpuFinish<Simd128>(arguments, variant, context.Workers),
    };

    private sealed unsafe class CpuAdd<F>(AddArguments a, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(TeacherMean), variant, workers)
        where F : struct, ISimd<F>
    {
        private readonly float* _logits = CpuPointer.Of(a.Logits);
        private readonly int* _rows = CpuPointer.Of(a.Rows);
        private readonly float* _store = CpuPointer.Of(a.Store);

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(a.Batch);
            for (long row = start; row < end; row++)
            {
                int target = _rows[row];
                if (target < 0 || target >= a.StoreRows)
                    continue;
                float* logits = _logits + (row * a.Columns);
                float* place = _store + ((long)target * a.Columns);
                if (a.Probabilities != 0)
                    AddProbabilities(logits, place);
                else
                    AddLogits(logits, place);
            }
        }

        [MethodImpl(SimdLoop.Alone)]
        private void AddLogits(float* logits, float* place)
        {
            int n = a.Columns;
            (float sum, float count) = SumParts(logits);
            if (!(count > 0) || !float.IsFinite(sum))
            {
                new Span<float>(place, n).Fill(float.NaN);
                return;
            }

            F mean = F.Splat(a.ZeroMean != 0 ? sum * (n / count) : 0);
            int i = 0;
            for (; i + F.Width <= n; i += F.Width)
            {
                F value = F.Load(logits + i) - mean;
                F.Store(a.First != 0 ? value : F.Load(place + i) + value, place + i);
            }

            if (i < n)
            {
                F value = F.LoadPartial(logits + i, n - i, 0) - mean;
                F.StorePartial(a.First != 0 ? value : F.LoadPartial(place + i, n - i, 0) + value, place + i, n - i);
            }
        }

        // The sum of z / C and the number of terms, over all that is not -inf.
        [MethodImpl(SimdLoop.Alone)]
        private (float Sum, float Count) SumParts(float* logits)
        {
            int n = a.Columns;
            F part = F.Splat(1f / n);
            F one = F.Splat(1);
            F zero = F.Splat(0);
            F lowest = F.Splat(float.NegativeInfinity);
            F sum = zero;
            F count = zero;
            for (int i = 0; i < n; i += F.Width)
            {
                F z = i + F.Width <= n ? F.Load(logits + i) : F.LoadPartial(logits + i, n - i, float.NegativeInfinity);
                F left = F.AreEqual(z, lowest);
                sum += F.Select(left, zero, z * part);
                count += F.Select(left, zero, one);
            }

            return (F.Sum(sum), F.Sum(count));
        }

        [MethodImpl(SimdLoop.Alone)]
        private void AddProbabilities(float* logits, float* place)
        {
            int n = a.Columns;
            float maximum = SimdRow<F>.Max(logits, n);
            float sum = SimdRow<F>.ExpSum(logits, null, n, maximum, a.InverseTemperature);
            if (!(sum > 0))
            {
                new Span<float>(place, n).Fill(float.NaN);
                return;
            }

            float offset = a.Temperature * MathF.Log(sum);
            if (a.First != 0)
            {
                SimdRow<F>.ScaleAndShift(logits, place, n, maximum, 1, -offset);
                return;
            }

            F maxima = F.Splat(maximum);
            F offsets = F.Splat(offset);
            int i = 0;
            for (; i + F.Width <= n; i += F.Width)
                F.Store(LogAdd(F.Load(place + i), F.Load(logits + i) - maxima - offsets), place + i);
            if (i < n)
            {
                F value = F.LoadPartial(logits + i, n - i, 0) - maxima - offsets;
                F.StorePartial(LogAdd(F.LoadPartial(place + i, n - i, 0), value), place + i, n - i);
            }
        }

        // T log(exp(x / T) + exp(y / T)); the difference of two -inf would be NaN.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private F LogAdd(F x, F y)
        {
            F lowest = F.Splat(float.NegativeInfinity);
            F difference = x - y;
            F larger = F.Select(F.Less(F.Splat(0), difference), x, y);
            F e = SimdMath.Exp(F.Abs(difference) * F.Splat(-a.InverseTemperature));
            F both = F.Fma(F.Splat(a.Temperature), SimdMath.LogOnePlus(e), larger);
            return F.Select(F.AreEqual(x, lowest), y, F.Select(F.AreEqual(y, lowest), x, both));
        }
    }

    private sealed unsafe class CpuFinish<F>(FinishArguments a, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(TeacherMean), variant, workers)
        where F : struct, ISimd<F>
    {
        private const int Grain = 1024;

        private readonly float* _store = CpuPointer.Of(a.Store);
        private readonly long _length = a.Store.Length;

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(_length, Grain);
            for (long at = start; at < end; at += Grain)
            {
                float* part = _store + at;
                SimdRow<F>.ScaleAndShift(part, part, (int)Math.Min(Grain, end - at), 0, a.Scale, a.Offset);
            }
        }
    }
}
