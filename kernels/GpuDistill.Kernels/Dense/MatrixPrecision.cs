namespace GpuDistill.Kernels;

/// <summary>
/// What matrix products are made of: of matrices in single precision, multiplied exactly or on tensor cores, or of matrices in bf16.
/// The default is <see cref="Exact"/>, as PyTorch's is. Sums are in single precision always.
/// </summary>
public enum MatrixPrecision
{
    /// <summary>Every product and sum in single precision.</summary>
    Exact,

    /// <summary>
    /// On tensor cores: operands are rounded to TF32, which has the range of single precision and 10 bits of mantissa, and summed in
    /// single precision. The error is at most 2^-10 of the sum of the terms' absolute values, beside that of the sums. For training
    /// that is almost always enough; results differ from <see cref="Exact"/> from the fourth digit on. Needs CUDA and compute
    /// capability 8.0; only products are affected, and the portable variant, where one operation is forced to it, stays exact.
    /// </summary>
    Tf32,

    /// <summary>
    /// Mixed precision: matrices that are multiplied are <see cref="BFloat16"/>, 7 bits of mantissa and the range of single precision,
    /// and are refused in single precision, so that nothing is done in another precision unnoticed. On tensor cores where there are
    /// some (CUDA and compute capability 8.0); other devices work over copies in single precision, which gives the same accuracy and
    /// takes longer than <see cref="Exact"/>. Matrices of <see cref="BFloat16"/> are multiplied like this whatever is chosen here.
    /// </summary>
    BFloat16,
}
