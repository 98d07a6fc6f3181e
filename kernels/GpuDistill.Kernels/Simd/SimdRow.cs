namespace GpuDistill.Kernels;

/// <summary>Passes over one row of floats. Source and target may be the same.</summary>
internal static unsafe class SimdRow<F>
    where F : struct, ISimd<F>
{
    /// <summary>The largest element; -infinity for an empty row. NaN elements may be passed over.</summary>
    public static float Max(float* row, int n)
    {
        F maximum = F.Splat(float.NegativeInfinity);
        int i = 0;
        for (; i + F.Width <= n; i += F.Width)
            maximum = F.Max(F.Load(row + i), maximum);
        if (i < n)
            maximum = F.Max(F.LoadPartial(row + i, n - i, float.NegativeInfinity), maximum);
        return F.HorizontalMax(maximum);
    }

    /// <summary>The sum of exp((x - shift) * scale); stores the exponentials too unless <paramref name="target"/> is null.</summary>
    public static float ExpSum(float* row, float* target, int n, float shift, float scale)
    {
        F sum = F.Splat(0);
        F shifts = F.Splat(shift);
        F scales = F.Splat(scale);
        int i = 0;
        for (; i + F.Width <= n; i += F.Width)
        {
            F e = SimdMath.Exp((F.Load(row + i) - shifts) * scales);
            sum += e;
            if (target != null)
                F.Store(e, target + i);
        }

        if (i < n)
        {
            F e = SimdMath.Exp((F.LoadPartial(row + i, n - i, float.NegativeInfinity) - shifts) * scales);
            sum += e;
            if (target != null)
                F.StorePartial(e, target + i, n - i);
        }

        return F.Sum(sum);
    }

    /// <summary>Effectively computes target = (x - shift) * scale + offset.</summary>
    public static void ScaleAndShift(float* row, float* target, int n, float shift, float scale, float offset)
    {
        F shifts = F.Splat(shift);
        F scales = F.Splat(scale);
        F offsets = F.Splat(offset);
        int i = 0;
        for (; i + F.Width <= n; i += F.Width)
            F.Store(((F.Load(row + i) - shifts) * scales) + offsets, target + i);
        if (i < n)
            F.StorePartial(((F.LoadPartial(row + i, n - i, 0) - shifts) * scales) + offsets, target + i, n - i);
    }
}
