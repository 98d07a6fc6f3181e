using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// bf16, a term's rows are neighbours: the right operand as it is, the left one transposed. A panel is one line of quads per term, a
/// quad being 8 rows. Matrices of 8 terms by 8 rows are transposed on their way to the registers, which makes words of two terms; so that
/// the 8 quads of one are in different banks, quads of a line are exchanged by three bits of the term's number, and where two lines
/// fill all banks, by two.
/// </summary>
internal readonly struct AcrossBFloat16 : IOperandLayout<ushort>
{
    private const int QuadRows = 8;

    public bool TermsAreNeighbours => false;

    public int PerQuad => QuadRows;

    public int Row(int i, int rows) => (i * QuadRows) & (rows - 1);

    public int Term(int i, int rows) => i / (rows / QuadRows);

    public int Place(int i, int rows) => i ^ Swap(Term(i, rows), rows);

    public long Index(int row, int term, int rows, int terms) => ((long)term * rows) + row;

    public bool Has(int row, int term, int rows, int terms, int k) => (row + k < rows) & (term < terms);

    public Block Load(Panel panel, int rowQuad, int termQuad)
    {
        int term = termQuad * Quad.Length;
        Block terms = new()
        {
            Row0 = Four(panel, rowQuad, term),
            Row1 = Four(panel, rowQuad, term + 1),
            Row2 = Four(panel, rowQuad, term + 2),
            Row3 = Four(panel, rowQuad, term + 3),
        };
        return terms.Transposed;
    }

    // The term that this lane names of its matrix: terms 0 to 7 of one quad, of the next, then terms 8 to 15.
    public LanePlaces LeftPlaces(int rows, int row, int term, int lane) =>
        Places(rows, row, term + (lane & 7) + ((lane >> 4) << 3), (lane >> 3) & 1);

    // Terms 0 to 15 of one quad, then of the next.
    public LanePlaces RightPlaces(int rows, int row, int term, int lane) => Places(rows, row, term + (lane & 15), lane >> 4);

    public FragmentWords LoadLeft(Panel panel, LanePlaces places, int tile, int half) =>
        TensorCore.LoadTransposedMatrices(ref panel.From(places.Of(tile))[half * 2 * TensorCore.Words * (panel.Rows / QuadRows)]);

    public FragmentWords LoadRight(Panel panel, LanePlaces places, int tile, int half) => LoadLeft(panel, places, tile, half);

    public Quad Four(ArrayView<Quad> quads, int four) => default(BFloat16Element).Four(quads, four);

    public void CopyOne(ArrayView<Quad> target, int place, ArrayView<ushort> source, long index, bool has) =>
        default(BFloat16Element).CopyOne(target, place, source, index, has);

    // For each 16 of 64 rows.
    private static LanePlaces Places(int rows, int row, int term, int next)
    {
        int line = term * (rows / QuadRows);
        int quad = (row / QuadRows) + next;
        int swap = Swap(term, rows);
        return new LanePlaces
        {
            P0 = line + (quad ^ swap),
            P1 = line + ((quad + 2) ^ swap),
            P2 = line + ((quad + 4) ^ swap),
            P3 = line + ((quad + 6) ^ swap),
        };
    }

    private static Quad Four(Panel panel, int rowQuad, int term)
    {
        int place = (term * (panel.Rows / QuadRows)) + ((rowQuad >> 1) ^ Swap(term, panel.Rows));
        return default(BFloat16Element).Four(panel.From(place), rowQuad & 1);
    }

    private static int Swap(int term, int rows) => rows >= 64 ? term & 7 : (term >> 1) & 3;
}
