using GpuDistill.Kernels;

namespace GpuDistill.GpuTimings;

/// <summary>A type of elements in memory.</summary>
/// <param name="Name">What PyTorch calls it.</param>
/// <param name="Round">A number in this type.</param>
/// <param name="Widen">And back, exactly.</param>
/// <param name="Unit">What one rounding of a result to it may change, relative to the result; 0 where nothing is rounded but sums.</param>
internal sealed record ElementType<T>(string Name, Func<float, T> Round, Func<T, float> Widen, double Unit)
    where T : unmanaged;

internal static class ElementTypes
{
    public static readonly ElementType<float> Single = new("float32", value => value, value => value, 0);

    public static readonly ElementType<BFloat16> BFloat16 = new("bfloat16", value => (BFloat16)value, value => (float)value, 1.0 / 256);
}
