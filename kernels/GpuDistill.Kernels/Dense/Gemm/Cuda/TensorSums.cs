using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A block of 32 x 32 sums on tensor cores, 2 x 4 fragments of 16 x 8 in the layout of <see cref="TensorCore"/>.
/// </summary>
internal struct TensorSums<TMath> : IWarpSums<TensorSums<TMath>>
    where TMath : unmanaged, ITensorMath
{
    private Quad _c00, _c01, _c02, _c03;
    private Quad _c10, _c11, _c12, _c13;

    public readonly int BlocksDown => 1;

    public readonly int BlocksAcross => 1;

    public readonly int RowOf(int g, int round) => (round * StagedRows.BlockLines) + g;

    public readonly TensorSums<TMath> Add<TLeft, TRight>(GemmStep step)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout
    {
        TensorSums<TMath> sums = Add(Fragments<TMath>.Left<TLeft>(step, 0, 0), Fragments<TMath>.Right<TRight>(step, 0, 0));
        return sums.Add(Fragments<TMath>.Left<TLeft>(step, 0, 1), Fragments<TMath>.Right<TRight>(step, 0, 1));
    }

    public readonly void Stage(StagedRows target, int round) => Stage(target, round, 0, 0);

    /// <summary>Adds the products of 8 words of terms.</summary>
    public readonly TensorSums<TMath> Add(Fragments<TMath> a, Fragments<TMath> b)
    {
        TMath math = default;
        TensorSums<TMath> sums = default;
        sums._c00 = math.MultiplyAdd(_c00, a.Upper, b.Upper.X, b.Upper.Y);
        sums._c01 = math.MultiplyAdd(_c01, a.Upper, b.Upper.Z, b.Upper.W);
        sums._c02 = math.MultiplyAdd(_c02, a.Upper, b.Lower.X, b.Lower.Y);
        sums._c03 = math.MultiplyAdd(_c03, a.Upper, b.Lower.Z, b.Lower.W);
        sums._c10 = math.MultiplyAdd(_c10, a.Lower, b.Upper.X, b.Upper.Y);
        sums._c11 = math.MultiplyAdd(_c11, a.Lower, b.Upper.Z, b.Upper.W);
        sums._c12 = math.MultiplyAdd(_c12, a.Lower, b.Lower.X, b.Lower.Y);
        sums._c13 = math.MultiplyAdd(_c13, a.Lower, b.Lower.Z, b.Lower.W);
        return sums;
    }

    public readonly void Stage(StagedRows target, int round, int blockDown, int blockAcross)
    {
        bool upper = round < 2;
        bool first = (round & 1) == 0;
        int column = (blockAcross * GemmStep.BlockSide) + ((Group.IdxX & 3) * 2);
        Store(target, blockDown, column, upper ? _c00 : _c10, first);
        Store(target, blockDown, column + 8, upper ? _c01 : _c11, first);
        Store(target, blockDown, column + 16, upper ? _c02 : _c12, first);
        Store(target, blockDown, column + 24, upper ? _c03 : _c13, first);
    }

    private static void Store(StagedRows target, int blockDown, int column, Quad sums, bool first) =>
        target.Shared.Cast<FloatPair>()[target.Place(blockDown, column) >> 1] =
            new FloatPair { X = first ? sums.X : sums.Z, Y = first ? sums.Y : sums.W };

    // Two neighbouring floats, one access. A device struct.
    private struct FloatPair
    {
        public float X, Y;
    }
}

/// <summary>Two blocks, one above the other: 64 rows, for which the right operand is read once.</summary>
internal struct TallTensorSums<TMath> : IWarpSums<TallTensorSums<TMath>>
    where TMath : unmanaged, ITensorMath
{
    private TensorSums<TMath> _upper, _lower;

    public readonly int BlocksDown => 2;

    public readonly int BlocksAcross => 1;

    public readonly int RowOf(int g, int round) => _upper.RowOf(g, round);

    public readonly TallTensorSums<TMath> Add<TLeft, TRight>(GemmStep step)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout =>
        Add<TLeft, TRight>(step, 0).Add<TLeft, TRight>(step, 1);

    public readonly void Stage(StagedRows target, int round) => Stage(target, round, 0);

    public readonly void Stage(StagedRows target, int round, int blockAcross)
    {
        _upper.Stage(target, round, 0, blockAcross);
        _lower.Stage(target, round, 1, blockAcross);
    }

    /// <summary>Adds the products of 8 words of terms.</summary>
    public readonly TallTensorSums<TMath> Add(Fragments<TMath> upper, Fragments<TMath> lower, Fragments<TMath> right)
    {
        TallTensorSums<TMath> sums = default;
        sums._upper = _upper.Add(upper, right);
        sums._lower = _lower.Add(lower, right);
        return sums;
    }

    // Half of the step's terms. Written out twice, not a loop: the addresses then differ by constants.
    private readonly TallTensorSums<TMath> Add<TLeft, TRight>(GemmStep step, int half)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout =>
        Add(
            Fragments<TMath>.Left<TLeft>(step, 0, half),
            Fragments<TMath>.Left<TLeft>(step, 1, half),
            Fragments<TMath>.Right<TRight>(step, 0, half));
}

/// <summary>Four blocks, 64 rows by 64 columns: each operand is read once for twice as many sums as in the tall form.</summary>
internal struct SquareTensorSums<TMath> : IWarpSums<SquareTensorSums<TMath>>
    where TMath : unmanaged, ITensorMath
{
    private TallTensorSums<TMath> _left, _right;

    public readonly int BlocksDown => 2;

    public readonly int BlocksAcross => 2;

    public readonly int RowOf(int g, int round) => _left.RowOf(g, round);

    public readonly SquareTensorSums<TMath> Add<TLeft, TRight>(GemmStep step)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout =>
        Add<TLeft, TRight>(step, 0).Add<TLeft, TRight>(step, 1);

    public readonly void Stage(StagedRows target, int round)
    {
        _left.Stage(target, round, 0);
        _right.Stage(target, round, 1);
    }

    private readonly SquareTensorSums<TMath> Add<TLeft, TRight>(GemmStep step, int half)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout
    {
        Fragments<TMath> upper = Fragments<TMath>.Left<TLeft>(step, 0, half);
        Fragments<TMath> lower = Fragments<TMath>.Left<TLeft>(step, 1, half);
        SquareTensorSums<TMath> sums = default;
        sums._left = _left.Add(upper, lower, Fragments<TMath>.Right<TRight>(step, 0, half));
        sums._right = _right.Add(upper, lower, Fragments<TMath>.Right<TRight>(step, 1, half));
        return sums;
    }
}
