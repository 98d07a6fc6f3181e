using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>Single precision in memory.</summary>
internal readonly unsafe struct FloatStorage : IStorage<float>, ISimdStorage<float>
{
    public float Load(ArrayView<float> view, long index) => view[index];

    public void Store(ArrayView<float> view, long index, float value) => view[index] = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOne(float* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreOne(float value, float* target) => *target = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Load<F>(float* source)
        where F : struct, ISimd<F> =>
        F.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F LoadPartial<F>(float* source, int count, float rest)
        where F : struct, ISimd<F> =>
        F.LoadPartial(source, count, rest);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<F>(F value, float* target)
        where F : struct, ISimd<F> =>
        F.Store(value, target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial<F>(F value, float* target, int count)
        where F : struct, ISimd<F> =>
        F.StorePartial(value, target, count);
}
