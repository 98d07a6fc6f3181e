using System.Runtime.Intrinsics.Arm;

namespace GpuDistill.Kernels;

/// <summary>
/// The innermost loop of the CPU's matrix product: a tile of <see cref="Rows"/> rows and one to three vectors of columns,
/// c (+)= sum over p of a[p] b[p]^T, with all sums in registers. Each sum is one chain of fused multiply-adds in the order of
/// p and continues what stands in c, so neither tile nor block sizes change a bit of the result.
/// </summary>
internal static unsafe partial class MicroKernel<F>
    where F : struct, ISimd<F>
{
    /// <summary>The most vectors of columns in a tile.</summary>
    public const int MaxVectors = 3;

    /// <summary>Rows of a tile: 24 sums where there are 32 vector registers, 12 where there are 16.</summary>
    public static int Rows => F.Width == 16 || AdvSimd.IsSupported ? 8 : 4;

    /// <summary>Computes one tile.</summary>
    /// <param name="vectors">Vectors of columns, 1 to 3.</param>
    /// <param name="a">Element (r, p) of the left operand stands at a[r * row + p * step].</param>
    /// <param name="row">Distance between two rows of the left operand.</param>
    /// <param name="step">Distance between two terms of the left operand.</param>
    /// <param name="b">Element (p, j) of the right operand stands at b[p * bStep + j].</param>
    /// <param name="bStep">Distance between two terms of the right operand.</param>
    /// <param name="terms">Products per sum.</param>
    /// <param name="c">The tile's first element.</param>
    /// <param name="cRow">Distance between two rows of the tile.</param>
    /// <param name="add">Whether to go on from the sums in c; else from 0.</param>
    public static void Run(
        int vectors, float* a, nint row, nint step, float* b, nint bStep, int terms, float* c, nint cRow, bool add)
    {
        if (Rows == 8)
        {
            if (vectors == 3)
                Run8x3(a, row, step, b, bStep, terms, c, cRow, add);
            else if (vectors == 2)
                Run8x2(a, row, step, b, bStep, terms, c, cRow, add);
            else
                Run8x1(a, row, step, b, bStep, terms, c, cRow, add);
        }
        else if (vectors == 3)
        {
            Run4x3(a, row, step, b, bStep, terms, c, cRow, add);
        }
        else if (vectors == 2)
        {
            Run4x2(a, row, step, b, bStep, terms, c, cRow, add);
        }
        else
        {
            Run4x1(a, row, step, b, bStep, terms, c, cRow, add);
        }
    }
}
