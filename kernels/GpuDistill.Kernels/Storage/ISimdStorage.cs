namespace GpuDistill.Kernels;

/// <summary>What <see cref="IStorage{T}"/> is to device code, for the SIMD lanes of the CPU variants.</summary>
internal unsafe interface ISimdStorage<T>
    where T : unmanaged
{
    static abstract float LoadOne(T* source);

    static abstract void StoreOne(float value, T* target);

    static abstract F Load<F>(T* source)
        where F : struct, ISimd<F>;

    /// <summary>Loads lanes below <paramref name="count"/>; the others get <paramref name="rest"/>.</summary>
    static abstract F LoadPartial<F>(T* source, int count, float rest)
        where F : struct, ISimd<F>;

    static abstract void Store<F>(F value, T* target)
        where F : struct, ISimd<F>;

    static abstract void StorePartial<F>(F value, T* target, int count)
        where F : struct, ISimd<F>;
}
