using ILGPU;

namespace GpuDistill.Kernels;

// Fused:      nothing; one read and one write per number.
// Math:       target[i] = the number of the target's type nearest to source[i]
// Shapes:     Source, Target [N].
// Geometry:   1-D groups, one number per thread, threads stride over the numbers.
// Numerics:   rounded to nearest, ties to even; the same bits on every device.
// Edges:      infinities and NaN stay what they are; what is beyond the target's range becomes infinity.
// Reference:  PrecisionCast.Reference.cs
public static partial class PrecisionCast
{
    private const int PreferredGroupSize = 256;

    private static Launch BindPortable<TSource, TFrom, TTarget, TTo>(KernelContext context, Arguments<TSource, TTarget> arguments)
        where TSource : unmanaged
        where TFrom : unmanaged, IStorage<TSource>
        where TTarget : unmanaged
        where TTo : unmanaged, IStorage<TTarget>
    {
        int groupSize = context.GroupSize(PreferredGroupSize);
        int groups = context.GroupsFor(arguments.Source.Length, groupSize);
        return context.BindKernel(nameof(PrecisionCast), Kernel<TSource, TFrom, TTarget, TTo>, groups, groupSize, arguments);
    }

    [KernelEntry(Instances = nameof(Instances))]
    internal static void Kernel<TSource, TFrom, TTarget, TTo>(Arguments<TSource, TTarget> a)
        where TSource : unmanaged
        where TFrom : unmanaged, IStorage<TSource>
        where TTarget : unmanaged
        where TTo : unmanaged, IStorage<TTarget>
    {
        TFrom from = default;
        TTo to = default;
        long stride = (long)Grid.DimX * Group.DimX;
        for (long i = ((long)Grid.IdxX * Group.DimX) + Group.IdxX; i < a.Source.Length; i += stride)
            to.Store(a.Target, i, from.Load(a.Source, i));
    }

    private static IEnumerable<Type[]> Instances() =>
        from type in StorageType.All
        where type.Element != typeof(float)
        from pair in (((Type Element, Type Storage) From, (Type Element, Type Storage) To)[])
            [((typeof(float), typeof(FloatStorage)), type), (type, (typeof(float), typeof(FloatStorage)))]
        select (Type[])[pair.From.Element, pair.From.Storage, pair.To.Element, pair.To.Storage];
}
