namespace GpuDistill.Kernels;

/// <summary>
/// The precision of matrix products of single-precision matrices. The default is <see cref="Exact"/>, as PyTorch's is. Matrices of
/// <see cref="BFloat16"/> are multiplied on tensor cores, where there are some, whatever is chosen here.
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
}
