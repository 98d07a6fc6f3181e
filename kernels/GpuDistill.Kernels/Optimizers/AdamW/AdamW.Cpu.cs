using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// One pass at the speed of memory, or of the cache that holds the parameters. A worker's part is the same every step.
public static partial class AdamW
{
    private static Launch BindCpu(KernelContext context, Arguments arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new Cpu<Simd512>(arguments, variant, context.Workers),
        KernelVariant.Simd256 => new Cpu<Simd256>(arguments, variant, context.Workers),
        _ => new Cpu<Simd128>(arguments, variant, context.Workers),
    };

    private sealed unsafe class Cpu<F>(Arguments a, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(AdamW), variant, workers)
        where F : struct, ISimd<F>
    {
        private const int Grain = 1024;

        private readonly float* _parameters = CpuPointer.Of(a.Parameters);
        private readonly float* _gradients = CpuPointer.Of(a.Gradients);
        private readonly float* _mean = CpuPointer.Of(a.Mean);
        private readonly float* _meanSquare = CpuPointer.Of(a.MeanSquare);
        private readonly StepState* _clock = CpuPointer.Of(a.Clock);
        private readonly long _length = a.Parameters.Length;

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(_length, Grain);
            long split = Math.Clamp(a.Decayed, start, end);
            Update(start, split, a.WeightDecay);
            Update(split, end, 0);
        }

        [MethodImpl(SimdLoop.Alone)]
        private void Update(long start, long end, float weightDecay)
        {
            float* w = _parameters;
            float* g = _gradients;
            float* m = _mean;
            float* v = _meanSquare;
            Coefficients c = new(_clock, a, weightDecay);
            long i = start;
            for (; i + F.Width <= end; i += F.Width)
            {
                (F parameter, F mean, F square) = Step(c, F.Load(w + i), F.Load(g + i), F.Load(m + i), F.Load(v + i));
                F.Store(parameter, w + i);
                F.Store(mean, m + i);
                F.Store(square, v + i);
            }

            if (i < end)
            {
                int rest = (int)(end - i);
                (F parameter, F mean, F square) = Step(
                    c,
                    F.LoadPartial(w + i, rest, 0),
                    F.LoadPartial(g + i, rest, 0),
                    F.LoadPartial(m + i, rest, 0),
                    F.LoadPartial(v + i, rest, 0));
                F.StorePartial(parameter, w + i, rest);
                F.StorePartial(mean, m + i, rest);
                F.StorePartial(square, v + i, rest);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static (F Parameter, F Mean, F Square) Step(in Coefficients c, F w, F g, F m, F v)
        {
            F mean = c.FromValue1 ? F.Fma(c.Keep1, m - g, g) : F.Fma(c.Take1, g - m, m);
            F power = g * g;
            F square = c.FromValue2 ? F.Fma(c.Keep2, v - power, power) : F.Fma(c.Take2, power - v, v);
            F root = F.Fma(F.Sqrt(square), c.RootScale, c.Epsilon);
            return (w - F.Fma(c.Decay, w, c.Rate * mean / root), mean, square);
        }

        // What one step's elements share.
        private readonly struct Coefficients
        {
            public readonly F Rate;
            public readonly F Decay;
            public readonly F RootScale;
            public readonly F Epsilon;
            public readonly F Keep1;
            public readonly F Keep2;
            public readonly F Take1;
            public readonly F Take2;

            // Which end a moment is counted from (Toward in AdamW.Kernel.cs): the same for every element, so never mispredicted.
            public readonly bool FromValue1;
            public readonly bool FromValue2;

            public Coefficients(StepState* clock, in Arguments a, float weightDecay)
            {
                float t = clock->Step + 1;
                float rate = clock->LearningRate;
                Rate = F.Splat(rate / OneMinusExp(t * a.LogBeta1));
                Decay = F.Splat(rate * weightDecay);
                RootScale = F.Splat(1 / MathF.Sqrt(OneMinusExp(t * a.LogBeta2)));
                Epsilon = F.Splat(a.Epsilon);
                Keep1 = F.Splat(a.Keep1);
                Keep2 = F.Splat(a.Keep2);
                FromValue1 = a.Keep1 < 0.5f;
                FromValue2 = a.Keep2 < 0.5f;
                Take1 = F.Splat(a.Take1);
                Take2 = F.Splat(a.Take2);
            }
        }
    }
}
