using ILGPU;

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

/// <summary>
/// Where the sums of a quarter of a tile's rows go for the operation's last pass: a line of floats per row, whose groups of 8 are
/// exchanged by two bits of the line's number, so that lanes that store at the same time do not meet in a bank. A device struct.
/// </summary>
internal struct StagedRows
{
    /// <summary>Rows of a block that are staged at a time: one for each g = lane / 4.</summary>
    public const int BlockLines = 8;

    public ArrayView<Quad> Shared;

    /// <summary>This lane's line of the warp's first block, and the floats of a line.</summary>
    public int Line, Width;

    /// <summary>The warp's first column.</summary>
    public int Column;

    /// <summary>Where a column of the warp's blocks stands.</summary>
    public readonly int Place(int blockDown, int column) => Place(Line + (blockDown * BlockLines), Width, Column + column);

    /// <summary>The sum of a column of the tile.</summary>
    public static float Load(ArrayView<Quad> shared, int line, int width, int column) => shared.Cast<float>()[Place(line, width, column)];

    private static int Place(int line, int width, int column) => (line * width) + (column ^ ((line & 3) << 3));
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
