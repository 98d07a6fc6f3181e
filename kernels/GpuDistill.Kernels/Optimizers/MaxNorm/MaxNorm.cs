using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// The max-norm constraint on the incoming weights of each unit (Srivastava, Hinton, Krizhevsky, Sutskever and
/// Salakhutdinov 2014, section 5.1): a column whose L2 norm is above the limit is scaled down to it.
/// </summary>
/// <remarks>
/// The norm is exact to a few parts in 10^7. A column within the limit keeps its bits, and so does one whose squared norm is
/// not finite in fp32 (NaN, infinities, weights above about 1e19): there is nothing sensible to scale it to.
/// </remarks>
public static partial class MaxNorm
{
    private static readonly VariantTable<Arguments> Variants = new(nameof(MaxNorm), BindPortable, BindCpu);

    /// <summary>Binds the operation to its buffer.</summary>
    /// <param name="context">The device.</param>
    /// <param name="weights">Weights, [In x Out], updated in place; column j holds the incoming weights of unit j.</param>
    /// <param name="limit">The largest norm, above 0, in units of the weights; its square must be finite and above 0 too.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit, or its square, is not finite and above 0.</exception>
    public static Launch Bind(
        KernelContext context, Matrix<float> weights, float limit, KernelVariant variant = KernelVariant.Auto)
    {
        ArgumentNullException.ThrowIfNull(context);
        Check.Positive(limit);
        Check.Positive(limit * limit);
        Arguments arguments = new()
        {
            Weights = weights.Data,
            Rows = weights.Rows,
            Columns = weights.Columns,
            Limit = limit,
            SquaredLimit = limit * limit,
        };
        return Variants.Bind(context, arguments, variant);
    }

    internal struct Arguments
    {
        public ArrayView<float> Weights;
        public int Rows;
        public int Columns;
        public float Limit;
        public float SquaredLimit;
        public int Tile;
    }
}
