using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// An operand's panel as products of a warpgroup read it, of 64 terms in bf16: in lines of 128 bytes whose 8 quads are exchanged by three
/// bits of the line's number. Where terms are neighbours, a row is a line. Where rows are, a line is 64 rows of a term, and a panel is
/// cut into such columns of lines. How the operand lies in global memory is <typeparamref name="TLayout"/>'s.
/// </summary>
internal readonly struct InLines<T, TLayout> : IPanelLayout<T>
    where T : unmanaged
    where TLayout : unmanaged, IOperandLayout<T>
{
    private const int LineQuads = PanelDescriptor.LineQuads;

    public bool TermsAreNeighbours => default(TLayout).TermsAreNeighbours;

    public int PerQuad => default(TLayout).PerQuad;

    /// <summary>1 where a line is of rows.</summary>
    public int Across => TermsAreNeighbours ? 0 : 1;

    /// <summary>Terms of a panel.</summary>
    public int PanelTerms => LineQuads * PerQuad;

    // Where rows are neighbours, quads are counted along all rows of a term before the next: so groups read whole runs of memory.
    public int Row(int i, int rows) => TermsAreNeighbours ? i / LineQuads : (i * PerQuad) & (rows - 1);

    public int Term(int i, int rows) => TermsAreNeighbours ? (i & (LineQuads - 1)) * PerQuad : i / (rows / PerQuad);

    public int Place(int i, int rows) =>
        Exchanged(TermsAreNeighbours ? i / LineQuads : (Row(i, rows) / PanelTerms * PanelTerms) + Term(i, rows), i & (LineQuads - 1));

    public long Index(int row, int term, int rows, int terms) => default(TLayout).Index(row, term, rows, terms);

    public bool Has(int row, int term, int rows, int terms, int k) => default(TLayout).Has(row, term, rows, terms, k);

    public void CopyOne(ArrayView<Quad> target, int place, ArrayView<T> source, long index, bool has) =>
        default(TLayout).CopyOne(target, place, source, index, has);

    public Block Load(Panel panel, int rowQuad, int termQuad)
    {
        int row = rowQuad * Quad.Length;
        int term = termQuad * Quad.Length;
        if (TermsAreNeighbours)
        {
            return new Block
            {
                Row0 = Four(panel, row, term),
                Row1 = Four(panel, row + 1, term),
                Row2 = Four(panel, row + 2, term),
                Row3 = Four(panel, row + 3, term),
            };
        }

        int line = (row / PanelTerms * PanelTerms) + term;
        Block terms = new()
        {
            Row0 = Four(panel, line, row & (PanelTerms - 1)),
            Row1 = Four(panel, line + 1, row & (PanelTerms - 1)),
            Row2 = Four(panel, line + 2, row & (PanelTerms - 1)),
            Row3 = Four(panel, line + 3, row & (PanelTerms - 1)),
        };
        return terms.Transposed;
    }

    /// <summary>The first terms of rows from <paramref name="row"/> on, a multiple of 64, of a panel at an address.</summary>
    public ulong Describe(uint panel, int row)
    {
        uint column = (uint)(PanelTerms * PanelDescriptor.LineBytes);
        return TermsAreNeighbours
            ? PanelDescriptor.Of(panel + (uint)(row * PanelDescriptor.LineBytes), AsyncCopy.QuadBytes, PanelDescriptor.Alignment)
            : PanelDescriptor.Of(panel + ((uint)(row / PanelTerms) * column), column, PanelDescriptor.Alignment);
    }

    /// <summary>The same, <paramref name="products"/> products' terms on.</summary>
    public ulong Further(ulong descriptor, int products)
    {
        int bytes = TermsAreNeighbours ? WarpGroup.Terms / PerQuad * AsyncCopy.QuadBytes : WarpGroup.Terms * PanelDescriptor.LineBytes;
        return PanelDescriptor.Further(descriptor, (uint)(products * bytes));
    }

    private static int Exchanged(int line, int quad) => (line * LineQuads) + (quad ^ (line & (LineQuads - 1)));

    // Four neighbouring elements of a line.
    private Quad Four(Panel panel, int line, int element) =>
        default(TLayout).Four(panel.From(Exchanged(line, element / PerQuad)), (element & (PerQuad - 1)) / Quad.Length);
}
