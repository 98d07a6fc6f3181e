using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: how an operand of a product lies in global memory, and how its panel, the rows of a tile by the terms of a step,
/// lies in shared memory. The right operand's "rows" are the columns of the result. Implementations are empty structs.
/// </summary>
/// <remarks>
/// A panel is made of quads, 16 bytes each, placed so that lanes that access shared memory at the same time never meet in a bank:
/// copies that write 8 neighbouring quads, fragments for tensor cores (8 rows of one quad each, or 8 rows by 4 terms of one float
/// each), and the exact product (2 or 4 blocks of 4 x 4). The rows of a panel are a power of two in number, and indices are taken
/// apart by shifts and masks.
/// </remarks>
internal interface IPanelLayout
{
    /// <summary>Whether a row's terms are neighbours in memory, and not a term's rows.</summary>
    bool TermsAreNeighbours { get; }

    /// <summary>Elements of a quad.</summary>
    int PerQuad { get; }

    /// <summary>
    /// The row at which quad <paramref name="i"/> of a panel begins; where a multiple of the group's threads is added to i, its own is to
    /// be added.
    /// </summary>
    int Row(int i, int rows);

    /// <summary>The term at which quad <paramref name="i"/> of a panel begins; for multiples of the threads as with rows.</summary>
    int Term(int i, int rows);

    /// <summary>Where quad <paramref name="i"/> of a panel stands in shared memory; for multiples of the threads as with rows.</summary>
    int Place(int i, int rows);

    /// <summary>The index of an element in global memory, linear in both numbers.</summary>
    long Index(int row, int term, int rows, int terms);

    /// <summary>Whether element <paramref name="k"/> of the quad that begins at (row, term) is in the matrix.</summary>
    bool Has(int row, int term, int rows, int terms, int k);

    /// <summary>
    /// The 4 rows from 4 <paramref name="rowQuad"/> by the 4 terms from 4 <paramref name="termQuad"/> of a panel, in single precision.
    /// </summary>
    Block Load(Panel panel, int rowQuad, int termQuad);
}

/// <summary>The same with the type that elements have in global memory.</summary>
internal interface IPanelLayout<T> : IPanelLayout
    where T : unmanaged
{
    /// <summary>Copies one element, or zero where there is none. What it starts is waited for as an asynchronous copy, or done.</summary>
    void CopyOne(ArrayView<Quad> target, int place, ArrayView<T> source, long index, bool has);
}

/// <summary>Device code: a panel that warps read into registers, for what they multiply by themselves.</summary>
internal interface IOperandLayout : IPanelLayout
{
    /// <summary>
    /// Where a lane's parts of left fragments are, for a warp that begins at <paramref name="row"/> and <paramref name="term"/>. What
    /// differs from lane to lane is in here, computed once; what is added later is the same for all and known to the compiler.
    /// </summary>
    LanePlaces LeftPlaces(int rows, int row, int term, int lane);

    /// <summary>The same for right fragments.</summary>
    LanePlaces RightPlaces(int rows, int row, int term, int lane);

    /// <summary>
    /// A lane's part of a left fragment of <see cref="TensorCore"/>, (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4), t counting words
    /// of terms: rows from 16 <paramref name="tile"/> by words from 8 <paramref name="half"/>.
    /// </summary>
    FragmentWords LoadLeft(Panel panel, LanePlaces places, int tile, int half);

    /// <summary>The same as two right fragments, rows being columns: (g, t), (g, t + 4), (g + 8, t), (g + 8, t + 4).</summary>
    FragmentWords LoadRight(Panel panel, LanePlaces places, int tile, int half);
}

/// <summary>The same with the type that elements have in global memory.</summary>
internal interface IOperandLayout<T> : IOperandLayout, IPanelLayout<T>
    where T : unmanaged
{
    /// <summary>Four neighbouring elements of quads in single precision; <paramref name="four"/> counts fours from the first quad on.</summary>
    Quad Four(ArrayView<Quad> quads, int four);
}

/// <summary>A panel in shared memory. A device struct.</summary>
internal struct Panel
{
    public ArrayView<Quad> Shared;

    /// <summary>Where it begins, in quads.</summary>
    public int Start;

    /// <summary>Its rows.</summary>
    public int Rows;

    public readonly ArrayView<Quad> From(int place) => Shared.SubView(Start + place);
}

/// <summary>Places in a panel that differ from lane to lane; a layout knows of what. A device struct.</summary>
internal struct LanePlaces
{
    public int P0, P1, P2, P3;

    /// <summary>One of the four, the number known to the compiler.</summary>
    public readonly int Of(int i)
    {
        int even = i == 0 ? P0 : P2;
        int odd = i == 1 ? P1 : P3;
        return (i & 1) == 0 ? even : odd;
    }
}

/// <summary>Four rows of four neighbouring terms each. A device struct.</summary>
internal struct Block
{
    public Quad Row0, Row1, Row2, Row3;

    public readonly Quad Term0 => new() { X = Row0.X, Y = Row1.X, Z = Row2.X, W = Row3.X };

    public readonly Quad Term1 => new() { X = Row0.Y, Y = Row1.Y, Z = Row2.Y, W = Row3.Y };

    public readonly Quad Term2 => new() { X = Row0.Z, Y = Row1.Z, Z = Row2.Z, W = Row3.Z };

    public readonly Quad Term3 => new() { X = Row0.W, Y = Row1.W, Z = Row2.W, W = Row3.W };

    /// <summary>The block whose terms are the rows of this one.</summary>
    public readonly Block Transposed => new() { Row0 = Term0, Row1 = Term1, Row2 = Term2, Row3 = Term3 };
}
