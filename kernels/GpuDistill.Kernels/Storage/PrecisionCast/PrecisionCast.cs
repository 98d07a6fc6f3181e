using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Copies numbers between single precision and a type of 16 bits, effectively target[i] = (TTarget)source[i]: the copy of the
/// weights that products in bf16 read, for one.
/// </summary>
/// <remarks>
/// To 16 bits: the nearest value, ties to even, infinity where that is nearest; NaN stays NaN. To single precision: exact.
/// </remarks>
public static partial class PrecisionCast
{
    /// <summary>Binds the operation to its buffers.</summary>
    /// <typeparam name="TSource"><see cref="float"/>, or <see cref="BFloat16"/> or <see cref="System.Half"/> (or ILGPU's type of the same bits).</typeparam>
    /// <typeparam name="TTarget">A type of 16 bits for single precision, and the other way round.</typeparam>
    /// <param name="context">The device.</param>
    /// <param name="source">The numbers, [N].</param>
    /// <param name="target">Receives them, [N]; overwritten, and apart from the source.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">The lengths differ or are 0, or the two overlap.</exception>
    /// <exception cref="NotSupportedException">There is no kernel for the two types, or the variant cannot run.</exception>
    public static Launch Bind<TSource, TTarget>(
        KernelContext context, ArrayView<TSource> source, ArrayView<TTarget> target, KernelVariant variant = KernelVariant.Auto)
        where TSource : unmanaged
        where TTarget : unmanaged
    {
        ArgumentNullException.ThrowIfNull(context);
        if (source.Length == 0)
            throw new ArgumentException("There is nothing to copy.", nameof(source));
        Check.Length(target, source.Length, "as many as the source");
        Check.Apart(source, target);
        return (typeof(TSource), typeof(TTarget)) switch
        {
            (Type from, Type to) when from == typeof(float) && to == typeof(BFloat16) =>
                Bind<float, FloatStorage, ushort, BFloat16Storage>(context, source.Cast<float>(), target.Cast<ushort>(), variant),
            (Type from, _) when from == typeof(float) && StorageType.IsHalf<TTarget>() =>
                Bind<float, FloatStorage, ushort, HalfStorage>(context, source.Cast<float>(), target.Cast<ushort>(), variant),
            (Type from, Type to) when from == typeof(BFloat16) && to == typeof(float) =>
                Bind<ushort, BFloat16Storage, float, FloatStorage>(context, source.Cast<ushort>(), target.Cast<float>(), variant),
            (_, Type to) when StorageType.IsHalf<TSource>() && to == typeof(float) =>
                Bind<ushort, HalfStorage, float, FloatStorage>(context, source.Cast<ushort>(), target.Cast<float>(), variant),
            _ => throw new NotSupportedException(
                $"{nameof(PrecisionCast)} copies float to BFloat16, System.Half or ILGPU.Half and back, not {typeof(TSource).FullName} to {typeof(TTarget).FullName}."),
        };
    }

    private static Launch Bind<TSource, TFrom, TTarget, TTo>(
        KernelContext context, ArrayView<TSource> source, ArrayView<TTarget> target, KernelVariant variant)
        where TSource : unmanaged
        where TFrom : unmanaged, IStorage<TSource>, ISimdStorage<TSource>
        where TTarget : unmanaged
        where TTo : unmanaged, IStorage<TTarget>, ISimdStorage<TTarget> =>
        Table<TSource, TFrom, TTarget, TTo>.Variants.Bind(
            context, new Arguments<TSource, TTarget> { Source = source, Target = target }, variant);

    internal struct Arguments<TSource, TTarget>
        where TSource : unmanaged
        where TTarget : unmanaged
    {
        public ArrayView<TSource> Source;
        public ArrayView<TTarget> Target;
    }

    private static class Table<TSource, TFrom, TTarget, TTo>
        where TSource : unmanaged
        where TFrom : unmanaged, IStorage<TSource>, ISimdStorage<TSource>
        where TTarget : unmanaged
        where TTo : unmanaged, IStorage<TTarget>, ISimdStorage<TTarget>
    {
        public static readonly VariantTable<Arguments<TSource, TTarget>> Variants = new(
            nameof(PrecisionCast), BindPortable<TSource, TFrom, TTarget, TTo>, BindCpu<TSource, TFrom, TTarget, TTo>);
    }
}
