using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// What the CPU's matrix product works on: result [Rows x Columns] = left [Rows x Terms] right [Terms x Columns]. One of an
/// operand's two strides is 1, so a transposed matrix is the same memory with its strides exchanged.
/// </summary>
internal readonly unsafe struct GemmOperands(in GemmArguments<float> a, ArrayView<float> result)
{
    /// <summary>Element (r, p) of the left operand stands at Left[r * LeftRow + p * LeftStep].</summary>
    public readonly float* Left = CpuPointer.Of(a.Left);
    public readonly nint LeftRow = a.TransposeLeft != 0 ? 1 : a.Terms;
    public readonly nint LeftStep = a.TransposeLeft != 0 ? a.Rows : 1;

    /// <summary>Element (p, c) of the right operand stands at Right[p * RightStep + c * RightColumn].</summary>
    public readonly float* Right = CpuPointer.Of(a.Right);
    public readonly nint RightStep = a.TransposeRight != 0 ? 1 : a.Columns;
    public readonly nint RightColumn = a.TransposeRight != 0 ? a.Terms : 1;

    public readonly float* Result = CpuPointer.Of(result);
    public readonly int Rows = a.Rows;
    public readonly int Columns = a.Columns;
    public readonly int Terms = a.Terms;
}
