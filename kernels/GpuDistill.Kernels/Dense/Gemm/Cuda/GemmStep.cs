namespace GpuDistill.Kernels;

/// <summary>
/// What a warp multiplies at a time: its rows and columns of the panels in shared memory, a slice of their terms. A device struct.
/// </summary>
internal struct GemmStep
{
    /// <summary>Quads of each row that a warp multiplies at a time.</summary>
    public const int SliceQuads = 4;

    /// <summary>Rows of a warp's block, and its columns.</summary>
    public const int BlockSide = 32;

    public Panel Left, Right;

    /// <summary>The warp's first row, column and term in the panels.</summary>
    public int Row, Column, Term;

    /// <summary>This lane's number in the warp, and the warp's among those that share its block.</summary>
    public int Lane, Slice;

    /// <summary>This lane's places in the panels, where sums are made on tensor cores.</summary>
    public LanePlaces LeftPlaces, RightPlaces;
}

/// <summary>Device code: the sums that a warp keeps in registers, in blocks of 32 x 32.</summary>
internal interface IWarpSums<TSums>
    where TSums : struct
{
    int BlocksDown { get; }

    int BlocksAcross { get; }

    /// <summary>The sums with the products of a slice's terms added.</summary>
    TSums Add<TLeft, TRight>(GemmStep step)
        where TLeft : unmanaged, IOperandLayout
        where TRight : unmanaged, IOperandLayout;

    /// <summary>The row of a block that lanes 4 g to 4 g + 3 stage in a round of four.</summary>
    int RowOf(int g, int round);

    /// <summary>Stores a quarter of each block's rows.</summary>
    void Stage(StagedRows target, int round);
}
