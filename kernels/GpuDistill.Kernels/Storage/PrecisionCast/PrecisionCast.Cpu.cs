using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// One pass at the speed of memory; a worker's part is a run of whole cache lines.
public static partial class PrecisionCast
{
    private static Launch BindCpu<TSource, TFrom, TTarget, TTo>(
        KernelContext context, Arguments<TSource, TTarget> arguments, KernelVariant variant)
        where TSource : unmanaged
        where TFrom : unmanaged, ISimdStorage<TSource>
        where TTarget : unmanaged
        where TTo : unmanaged, ISimdStorage<TTarget> => variant switch
        {
            KernelVariant.Simd512 => new Cpu<Simd512, TSource, TFrom, TTarget, TTo>(arguments, variant, context.Workers),
            KernelVariant.Simd256 => new Cpu<Simd256, TSource, TFrom, TTarget, TTo>(arguments, variant, context.Workers),
            _ => new Cpu<Simd128, TSource, TFrom, TTarget, TTo>(arguments, variant, context.Workers),
        };

    private sealed unsafe class Cpu<F, TSource, TFrom, TTarget, TTo>(Arguments<TSource, TTarget> a, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(PrecisionCast), variant, workers)
        where F : struct, ISimd<F>
        where TSource : unmanaged
        where TFrom : unmanaged, ISimdStorage<TSource>
        where TTarget : unmanaged
        where TTo : unmanaged, ISimdStorage<TTarget>
    {
        private const int Grain = 1024;

        private readonly TSource* _source = CpuPointer.Of(a.Source);
        private readonly TTarget* _target = CpuPointer.Of(a.Target);

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(a.Source.Length, Grain);
            Copy(_source + start, _target + start, end - start);
        }

        [MethodImpl(SimdLoop.Alone)]
        private static void Copy(TSource* source, TTarget* target, long count)
        {
            long i = 0;
            for (; i + F.Width <= count; i += F.Width)
                TTo.Store(TFrom.Load<F>(source + i), target + i);
            if (i < count)
            {
                int rest = (int)(count - i);
                TTo.StorePartial(TFrom.LoadPartial<F>(source + i, rest, 0), target + i, rest);
            }
        }
    }
}
