using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: what a float is, told from its bits. ILGPU's OpenCL backend writes !(x &gt; y) as x &lt;= y, which is false for NaN
/// (and a C# <c>if</c> is such a negation as often as not), so whatever has to hold for NaN asks here and not by a comparison.
/// </summary>
internal static class FloatBits
{
    private const uint Magnitude = 0x7FFFFFFF;
    private const uint Infinity = 0x7F800000;

    public static bool IsNaN(float value) => (Interop.FloatAsInt(value) & Magnitude) > Infinity;

    /// <summary>Above 0, infinity among it, and not NaN.</summary>
    public static bool IsPositive(float value) => Interop.FloatAsInt(value) - 1 < Infinity;

    /// <summary>Neither NaN nor an infinity.</summary>
    public static bool IsFinite(float value) => (Interop.FloatAsInt(value) & Magnitude) < Infinity;

    /// <summary>Finite and not below 0: what a weight may be.</summary>
    public static bool IsWeight(float value) => IsFinite(value) && value >= 0;

    /// <summary>The weight, or NaN for what may be none.</summary>
    public static float WeightOrNaN(float value) => IsWeight(value) ? value : float.NaN;

    /// <summary>Finite, or the negative infinity of a class that cannot be: what a logit may be.</summary>
    public static bool IsLogit(float value) => !IsNaN(value) && value != float.PositiveInfinity;
}
