using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>A block of 32 x 32 sums in single precision: 4 rows by 8 columns a lane, one multiply-add per product, in the order of the terms.</summary>
internal struct ExactSums : IWarpSums<ExactSums>
{
    /// <summary>Terms of single precision in a slice.</summary>
    public const int SliceTerms = GemmStep.SliceQuads * Quad.Length;

    private ExactRow _row0, _row1, _row2, _row3;

    public readonly int BlocksDown => 1;

    public readonly int BlocksAcross => 1;

    public readonly int RowOf(int g, int round) => (4 * g) + round;

    public readonly ExactSums Add<TLeft, TRight>(GemmStep step)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout
    {
        ExactSums sums = this;
        for (int term = 0; term < SliceTerms; term += Quad.Length)
            sums = sums.Add(Left<TLeft>(step, 0, term), Right<TRight>(step, 0, term), Right<TRight>(step, 16, term));
        return sums;
    }

    public readonly void Stage(StagedRows target, int round) => Stage(target, round, 0);

    /// <summary>This lane's 4 rows from row 4 g, 4 terms each.</summary>
    public static Block Left<TLayout>(GemmStep step, int row, int term)
        where TLayout : unmanaged, IOperandLayout =>
        default(TLayout).Load(step.Left, ((step.Row + row) >> 2) + (step.Lane >> 2), (step.Term + term) >> 2);

    /// <summary>
    /// 4 of this lane's columns, from column 4 t and 16 on, 4 terms each. An exclusive or adds 16 and goes together with the layout's.
    /// </summary>
    public static Block Right<TLayout>(GemmStep step, int column, int term)
        where TLayout : unmanaged, IOperandLayout =>
        default(TLayout).Load(step.Right, ((step.Column >> 2) + (step.Lane & 3)) ^ (column >> 2), (step.Term + term) >> 2);

    /// <summary>Adds the products of 4 rows and 8 columns, 4 terms each, term by term: 32 sums that do not wait for each other.</summary>
    public readonly ExactSums Add(Block left, Block right0, Block right1) =>
        Add(left.Term0, right0.Term0, right1.Term0)
            .Add(left.Term1, right0.Term1, right1.Term1)
            .Add(left.Term2, right0.Term2, right1.Term2)
            .Add(left.Term3, right0.Term3, right1.Term3);

    public readonly void Stage(StagedRows target, int round, int block)
    {
        ExactRow low = round == 0 ? _row0 : _row1;
        ExactRow high = round == 2 ? _row2 : _row3;
        ExactRow sums = round < 2 ? low : high;
        int column = (Group.IdxX & 3) * Quad.Length;
        target.Shared[target.Place(block, column) >> 2] = sums.Left;
        target.Shared[target.Place(block, column + 16) >> 2] = sums.Right;
    }

    private readonly ExactSums Add(Quad left, Quad right0, Quad right1)
    {
        ExactSums sums = default;
        sums._row0 = _row0.Add(left.X, right0, right1);
        sums._row1 = _row1.Add(left.Y, right0, right1);
        sums._row2 = _row2.Add(left.Z, right0, right1);
        sums._row3 = _row3.Add(left.W, right0, right1);
        return sums;
    }
}

/// <summary>Two blocks, one above the other: 64 rows, for which the right operand is read once.</summary>
internal struct TallExactSums : IWarpSums<TallExactSums>
{
    private ExactSums _upper, _lower;

    public readonly int BlocksDown => 2;

    public readonly int BlocksAcross => 1;

    public readonly int RowOf(int g, int round) => _upper.RowOf(g, round);

    public readonly TallExactSums Add<TLeft, TRight>(GemmStep step)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout
    {
        TallExactSums sums = this;
        for (int term = 0; term < ExactSums.SliceTerms; term += Quad.Length)
        {
            Block right0 = ExactSums.Right<TRight>(step, 0, term);
            Block right1 = ExactSums.Right<TRight>(step, 16, term);
            sums._upper = sums._upper.Add(ExactSums.Left<TLeft>(step, 0, term), right0, right1);
            sums._lower = sums._lower.Add(ExactSums.Left<TLeft>(step, GemmStep.BlockSide, term), right0, right1);
        }

        return sums;
    }

    public readonly void Stage(StagedRows target, int round)
    {
        _upper.Stage(target, round, 0);
        _lower.Stage(target, round, 1);
    }
}

/// <summary>A row of 8 sums. A device struct.</summary>
internal struct ExactRow
{
    public Quad Left, Right;

    public readonly ExactRow Add(float left, Quad right0, Quad right1) => new()
    {
        Left = Add(Left, left, right0),
        Right = Add(Right, left, right1),
    };

    private static Quad Add(Quad sums, float left, Quad right)
    {
        sums.X += left * right.X;
        sums.Y += left * right.Y;
        sums.Z += left * right.Z;
        sums.W += left * right.W;
        return sums;
    }
}
