using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A block of 32 x 32 sums on tensor cores, 2 x 4 fragments of 16 x 8 in the layout of <see cref="TensorCore"/>. Operands are
/// rounded to TF32 here, on their way from shared memory.
/// </summary>
internal struct Tf32Sums : IWarpSums<Tf32Sums>
{
    private Quad _c00, _c01, _c02, _c03;
    private Quad _c10, _c11, _c12, _c13;

    public readonly int Blocks => 1;

    public readonly int RowOf(int g, int round) => (round * StagedRows.BlockLines) + g;

    public readonly Tf32Sums Add<TLeft, TRight>(GemmStep step)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout
    {
        Tf32Sums sums = Add(Tf32Fragments.Left<TLeft>(step, 0, 0), Tf32Fragments.Right<TRight>(step, 0));
        return sums.Add(Tf32Fragments.Left<TLeft>(step, 0, 1), Tf32Fragments.Right<TRight>(step, 1));
    }

    public readonly void Stage(StagedRows target, int round) => Stage(target, round, 0);

    /// <summary>Adds the products of 8 terms.</summary>
    public readonly Tf32Sums Add(Tf32Fragments a, Tf32Fragments b)
    {
        Tf32Sums sums = default;
        sums._c00 = Multiply(_c00, a.Upper, b.Upper.X, b.Upper.Y);
        sums._c01 = Multiply(_c01, a.Upper, b.Upper.Z, b.Upper.W);
        sums._c02 = Multiply(_c02, a.Upper, b.Lower.X, b.Lower.Y);
        sums._c03 = Multiply(_c03, a.Upper, b.Lower.Z, b.Lower.W);
        sums._c10 = Multiply(_c10, a.Lower, b.Upper.X, b.Upper.Y);
        sums._c11 = Multiply(_c11, a.Lower, b.Upper.Z, b.Upper.W);
        sums._c12 = Multiply(_c12, a.Lower, b.Lower.X, b.Lower.Y);
        sums._c13 = Multiply(_c13, a.Lower, b.Lower.Z, b.Lower.W);
        return sums;
    }

    public readonly void Stage(StagedRows target, int round, int block)
    {
        bool upper = round < 2;
        bool first = (round & 1) == 0;
        Store(target, block, 0, upper ? _c00 : _c10, first);
        Store(target, block, 1, upper ? _c01 : _c11, first);
        Store(target, block, 2, upper ? _c02 : _c12, first);
        Store(target, block, 3, upper ? _c03 : _c13, first);
    }

    private static Quad Multiply(Quad sums, Tf32Quad a, uint b0, uint b1) => TensorCore.MultiplyAdd(sums, a.X, a.Y, a.Z, a.W, b0, b1);

    private static void Store(StagedRows target, int block, int fragment, Quad sums, bool first)
    {
        int column = (fragment * 8) + ((Group.IdxX & 3) * 2);
        target.Shared.Cast<FloatPair>()[target.Place(block, column) >> 1] =
            new FloatPair { X = first ? sums.X : sums.Z, Y = first ? sums.Y : sums.W };
    }

    // Two neighbouring floats, one access. A device struct.
    private struct FloatPair
    {
        public float X, Y;
    }
}

/// <summary>Two blocks, one above the other: 64 rows, for which the right operand is read once.</summary>
internal struct TallTf32Sums : IWarpSums<TallTf32Sums>
{
    private Tf32Sums _upper, _lower;

    public readonly int Blocks => 2;

    public readonly int RowOf(int g, int round) => _upper.RowOf(g, round);

    public readonly TallTf32Sums Add<TLeft, TRight>(GemmStep step)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout =>
        Add<TLeft, TRight>(step, 0).Add<TLeft, TRight>(step, 1);

    public readonly void Stage(StagedRows target, int round)
    {
        _upper.Stage(target, round, 0);
        _lower.Stage(target, round, 1);
    }

    // Half of the step's terms. Written out twice, not a loop: the addresses then differ by constants.
    private readonly TallTf32Sums Add<TLeft, TRight>(GemmStep step, int half)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout
    {
        Tf32Fragments right = Tf32Fragments.Right<TRight>(step, half);
        TallTf32Sums sums = default;
        sums._upper = _upper.Add(Tf32Fragments.Left<TLeft>(step, 0, half), right);
        sums._lower = _lower.Add(Tf32Fragments.Left<TLeft>(step, 1, half), right);
        return sums;
    }
}

/// <summary>Fragments in TF32 of 32 rows, or 32 columns, by 8 terms. A device struct.</summary>
internal struct Tf32Fragments
{
    public Tf32Quad Upper, Lower;

    public static Tf32Fragments Left<TLayout>(GemmStep step, int block, int half)
        where TLayout : unmanaged, IOperandLayout
    {
        TLayout layout = default;
        return new Tf32Fragments
        {
            Upper = Tf32Quad.Of(layout.LoadLeft(step.Left, step.LeftPlaces, 2 * block, half)),
            Lower = Tf32Quad.Of(layout.LoadLeft(step.Left, step.LeftPlaces, (2 * block) + 1, half)),
        };
    }

    public static Tf32Fragments Right<TLayout>(GemmStep step, int half)
        where TLayout : unmanaged, IOperandLayout
    {
        TLayout layout = default;
        return new Tf32Fragments
        {
            Upper = Tf32Quad.Of(layout.LoadRight(step.Right, step.RightPlaces, 0, half)),
            Lower = Tf32Quad.Of(layout.LoadRight(step.Right, step.RightPlaces, 1, half)),
        };
    }
}

/// <summary>Four numbers in TF32. A device struct.</summary>
internal struct Tf32Quad
{
    public uint X, Y, Z, W;

    public static Tf32Quad Of(Quad terms) => new()
    {
        X = TensorCore.Round(terms.X),
        Y = TensorCore.Round(terms.Y),
        Z = TensorCore.Round(terms.Z),
        W = TensorCore.Round(terms.W),
    };
}
