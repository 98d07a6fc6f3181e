using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// One pass at the speed of memory, or of the cache that holds the parameters. A worker's part is the same every step.
public static partial class Sgd
{
    private static Launch BindCpu(KernelContext context, Arguments arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new Cpu<Simd512>(arguments, variant, context.Workers),
        KernelVariant.Simd256 => new Cpu<Simd256>(arguments, variant, context.Workers),
        _ => new Cpu<Simd128>(arguments, variant, context.Workers),
    };

    private sealed unsafe class Cpu<F>(Arguments a, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(Sgd), variant, workers)
        where F : struct, ISimd<F>
    {
        private const int Grain = 1024;

        private readonly float* _parameters = CpuPointer.Of(a.Parameters);
        private readonly float* _gradients = CpuPointer.Of(a.Gradients);
        private readonly float* _velocity = CpuPointer.Of(a.Velocity);
        private readonly StepState* _clock = CpuPointer.Of(a.Clock);
        private readonly long _length = a.Parameters.Length;

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(_length, Grain);
            long split = Math.Clamp(a.Decayed, start, end);
            Update(start, split, F.Splat(a.WeightDecay));
            Update(split, end, F.Splat(0));
        }

        private void Update(long start, long end, F decay)
        {
            F rate = F.Splat(-_clock->LearningRate);
            F momentum = F.Splat(a.Momentum);
            if (a.Momentum == 0)
                Plain(start, end, rate, decay);
            else if (a.Nesterov != 0)
                LookAhead(start, end, rate, decay, momentum);
            else
                WithMomentum(start, end, rate, decay, momentum);
        }

        [MethodImpl(SimdLoop.Alone)]
        private void Plain(long start, long end, F rate, F decay)
        {
            float* w = _parameters;
            float* g = _gradients;
            long i = start;
            for (; i + F.Width <= end; i += F.Width)
            {
                F parameter = F.Load(w + i);
                F.Store(F.Fma(rate, F.Fma(decay, parameter, F.Load(g + i)), parameter), w + i);
            }

            if (i < end)
            {
                int rest = (int)(end - i);
                F parameter = F.LoadPartial(w + i, rest, 0);
                F direction = F.Fma(decay, parameter, F.LoadPartial(g + i, rest, 0));
                F.StorePartial(F.Fma(rate, direction, parameter), w + i, rest);
            }
        }

        [MethodImpl(SimdLoop.Alone)]
        private void WithMomentum(long start, long end, F rate, F decay, F momentum)
        {
            float* w = _parameters;
            float* g = _gradients;
            float* v = _velocity;
            long i = start;
            for (; i + F.Width <= end; i += F.Width)
            {
                F parameter = F.Load(w + i);
                F velocity = F.Fma(momentum, F.Load(v + i), F.Fma(decay, parameter, F.Load(g + i)));
                F.Store(velocity, v + i);
                F.Store(F.Fma(rate, velocity, parameter), w + i);
            }

            if (i < end)
            {
                int rest = (int)(end - i);
                F parameter = F.LoadPartial(w + i, rest, 0);
                F direction = F.Fma(decay, parameter, F.LoadPartial(g + i, rest, 0));
                F velocity = F.Fma(momentum, F.LoadPartial(v + i, rest, 0), direction);
                F.StorePartial(velocity, v + i, rest);
                F.StorePartial(F.Fma(rate, velocity, parameter), w + i, rest);
            }
        }

        [MethodImpl(SimdLoop.Alone)]
        private void LookAhead(long start, long end, F rate, F decay, F momentum)
        {
            float* w = _parameters;
            float* g = _gradients;
            float* v = _velocity;
            long i = start;
            for (; i + F.Width <= end; i += F.Width)
            {
                F parameter = F.Load(w + i);
                F direction = F.Fma(decay, parameter, F.Load(g + i));
                F velocity = F.Fma(momentum, F.Load(v + i), direction);
                F.Store(velocity, v + i);
                F.Store(F.Fma(rate, F.Fma(momentum, velocity, direction), parameter), w + i);
            }

            if (i < end)
            {
                int rest = (int)(end - i);
                F parameter = F.LoadPartial(w + i, rest, 0);
                F direction = F.Fma(decay, parameter, F.LoadPartial(g + i, rest, 0));
                F velocity = F.Fma(momentum, F.LoadPartial(v + i, rest, 0), direction);
                F.StorePartial(velocity, v + i, rest);
                F.StorePartial(F.Fma(rate, F.Fma(momentum, velocity, direction), parameter), w + i, rest);
            }
        }
    }
}
