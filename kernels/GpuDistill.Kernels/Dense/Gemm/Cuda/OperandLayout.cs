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
internal interface IOperandLayout
{
    /// <summary>The row at which quad <paramref name="i"/> of a panel begins; for multiples of 128 added to i, its own is to be added.</summary>
    int Row(int i, int rows);

    /// <summary>The term at which quad <paramref name="i"/> of a panel begins; for multiples of 128 as with rows.</summary>
    int Term(int i, int rows);

    /// <summary>Where quad <paramref name="i"/> of a panel stands in shared memory; a multiple of 128 added to i is added to it.</summary>
    int Place(int i, int rows);

    /// <summary>The index of an element in global memory.</summary>
    long Index(int row, int term, int rows, int terms);

    /// <summary>Whether element <paramref name="k"/> of the quad that begins at (row, term) is in the matrix.</summary>
    bool Has(int row, int term, int rows, int terms, int k);

    /// <summary>The 4 rows from 4 <paramref name="rowQuad"/> by the 4 terms from 4 <paramref name="termQuad"/> of a panel.</summary>
    Block Load(Panel panel, int rowQuad, int termQuad);

    /// <summary>
    /// Where a lane's parts of left fragments are, for a warp that begins at <paramref name="row"/> and <paramref name="term"/>. What
    /// differs from lane to lane is in here, computed once; what is added later is the same for all and known to the compiler.
    /// </summary>
    LanePlaces LeftPlaces(int rows, int row, int term, int lane);

    /// <summary>The same for right fragments.</summary>
    LanePlaces RightPlaces(int rows, int row, int term, int lane);

    /// <summary>
    /// A lane's part of a left fragment of <see cref="TensorCore"/>, (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4): rows from
    /// 16 <paramref name="tile"/> by terms from 8 <paramref name="half"/>.
    /// </summary>
    Quad LoadLeft(Panel panel, LanePlaces places, int tile, int half);

    /// <summary>The same as two right fragments, rows being columns: (g, t), (g, t + 4), (g + 8, t), (g + 8, t + 4).</summary>
    Quad LoadRight(Panel panel, LanePlaces places, int tile, int half);
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
}

/// <summary>Four rows of four neighbouring terms each. A device struct.</summary>
internal struct Block
{
    public Quad Row0, Row1, Row2, Row3;

    public readonly Quad Term0 => new() { X = Row0.X, Y = Row1.X, Z = Row2.X, W = Row3.X };

    public readonly Quad Term1 => new() { X = Row0.Y, Y = Row1.Y, Z = Row2.Y, W = Row3.Y };

    public readonly Quad Term2 => new() { X = Row0.Z, Y = Row1.Z, Z = Row2.Z, W = Row3.Z };

    public readonly Quad Term3 => new() { X = Row0.W, Y = Row1.W, Z = Row2.W, W = Row3.W };
}

/// <summary>
/// A row's terms are neighbours: the left operand as it is, the right one transposed. A panel is cut into slices of 16 terms, in
/// which a row is 4 quads, exchanged by two bits of the row's number.
/// </summary>
internal readonly struct AlongTerms : IOperandLayout
{
    private const int RowQuads = GemmStep.SliceTerms / Quad.Length;

    public int Row(int i, int rows) => (i >> 2) & (rows - 1);

    public int Term(int i, int rows) => (i / (RowQuads * rows) * GemmStep.SliceTerms) + ((i & 3) << 2);

    public int Place(int i, int rows) => i ^ Swap(i >> 2);

    public long Index(int row, int term, int rows, int terms) => ((long)row * terms) + term;

    public bool Has(int row, int term, int rows, int terms, int k) => (row < rows) & (term + k < terms);

    public Block Load(Panel panel, int rowQuad, int termQuad)
    {
        // Rows 2 and 3 of four have another swap than rows 0 and 1.
        int place = Place(panel.Rows, rowQuad << 2, termQuad);
        ArrayView<Quad> upper = panel.From(place);
        ArrayView<Quad> lower = panel.From(place ^ 1);
        return new Block { Row0 = upper[0], Row1 = upper[RowQuads], Row2 = lower[2 * RowQuads], Row3 = lower[3 * RowQuads] };
    }

    // The row that this lane names of its matrix: rows 0 to 15 of one quad, then of the next.
    public LanePlaces LeftPlaces(int rows, int row, int term, int lane) => Halves(Place(rows, row + (lane & 15), (term >> 2) + (lane >> 4)));

    // Rows 0 to 7 of one quad, then of the next, then rows 8 to 15.
    public LanePlaces RightPlaces(int rows, int row, int term, int lane) =>
        Halves(Place(rows, row + (lane & 7) + ((lane >> 4) << 3), (term >> 2) + ((lane >> 3) & 1)));

    public Quad LoadLeft(Panel panel, LanePlaces places, int tile, int half) =>
        TensorCore.LoadMatrices(ref panel.From(half == 0 ? places.P0 : places.P1)[tile * 16 * RowQuads]);

    public Quad LoadRight(Panel panel, LanePlaces places, int tile, int half) => LoadLeft(panel, places, tile, half);

    // The second 8 terms are two quads on.
    private static LanePlaces Halves(int place) => new() { P0 = place, P1 = place ^ 2 };

    private static int Place(int rows, int row, int termQuad) =>
        ((termQuad >> 2) * RowQuads * rows) + (row << 2) + ((termQuad & 3) ^ Swap(row));

    private static int Swap(int row) => (row >> 1) & 3;
}

/// <summary>
/// A term's rows are neighbours: the right operand as it is, the left one transposed. A panel is one line of quads per term,
/// exchanged by two bits of the term's number.
/// </summary>
internal readonly struct AcrossTerms : IOperandLayout
{
    public int Row(int i, int rows) => (i << 2) & (rows - 1);

    public int Term(int i, int rows) => i / (rows / Quad.Length);

    public int Place(int i, int rows) => i ^ Swap(Term(i, rows));

    public long Index(int row, int term, int rows, int terms) => ((long)term * rows) + row;

    public bool Has(int row, int term, int rows, int terms, int k) => (row + k < rows) & (term < terms);

    public Block Load(Panel panel, int rowQuad, int termQuad)
    {
        int width = panel.Rows / Quad.Length;
        int first = termQuad * Quad.Length * width;
        Quad term0 = panel.From(first + (rowQuad ^ Swap(0)))[0];
        Quad term1 = panel.From(first + (rowQuad ^ Swap(1)))[width];
        Quad term2 = panel.From(first + (rowQuad ^ Swap(2)))[2 * width];
        Quad term3 = panel.From(first + (rowQuad ^ Swap(3)))[3 * width];
        return new Block
        {
            Row0 = new Quad { X = term0.X, Y = term1.X, Z = term2.X, W = term3.X },
            Row1 = new Quad { X = term0.Y, Y = term1.Y, Z = term2.Y, W = term3.Y },
            Row2 = new Quad { X = term0.Z, Y = term1.Z, Z = term2.Z, W = term3.Z },
            Row3 = new Quad { X = term0.W, Y = term1.W, Z = term2.W, W = term3.W },
        };
    }

    // Floats: row g of each 8 of 32 rows, term t.
    public LanePlaces LeftPlaces(int rows, int row, int term, int lane)
    {
        int t = lane & 3;
        int line = ((term + t) * rows) + row + (lane >> 2);
        int swap = Swap(t) << 2;
        return new LanePlaces { P0 = line + swap, P1 = line + (8 ^ swap), P2 = line + (16 ^ swap), P3 = line + (24 ^ swap) };
    }

    public LanePlaces RightPlaces(int rows, int row, int term, int lane) => LeftPlaces(rows, row, term, lane);

    public Quad LoadLeft(Panel panel, LanePlaces places, int tile, int half)
    {
        Quad right = LoadRight(panel, places, tile, half);
        return new Quad { X = right.X, Y = right.Z, Z = right.Y, W = right.W };
    }

    public Quad LoadRight(Panel panel, LanePlaces places, int tile, int half)
    {
        ArrayView<float> floats = panel.Shared.Cast<float>();
        ArrayView<float> upper = floats.SubView((panel.Start * Quad.Length) + ((tile & 1) == 0 ? places.P0 : places.P2));
        ArrayView<float> lower = floats.SubView((panel.Start * Quad.Length) + ((tile & 1) == 0 ? places.P1 : places.P3));
        int first = (tile / 2 * GemmStep.BlockSide) + (half * TensorCore.Terms * panel.Rows);
        int second = first + (4 * panel.Rows);
        return new Quad { X = upper[first], Y = upper[second], Z = lower[first], W = lower[second] };
    }

    private static int Swap(int term) => (term & 3) << 1;
}
