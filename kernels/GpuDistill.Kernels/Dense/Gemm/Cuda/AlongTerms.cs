global using AlongBFloat16 = GpuDistill.Kernels.AlongTerms<ushort, GpuDistill.Kernels.BFloat16Element>;
global using AlongFloats = GpuDistill.Kernels.AlongTerms<float, GpuDistill.Kernels.FloatElement>;
using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// A row's terms are neighbours: the left operand as it is, the right one transposed. A panel is cut into slices of 16 words, in
/// which a row is 4 quads, exchanged by bits of the row's number. A word of 16-bit elements is two terms, which is what tensor
/// cores take, so nothing but the counts of terms depends on the element.
/// </summary>
internal readonly struct AlongTerms<T, TElement> : IOperandLayout<T>
    where T : unmanaged
    where TElement : unmanaged, IPanelElement<T>
{
    private const int RowQuads = GemmStep.SliceQuads;

    public bool TermsAreNeighbours => true;

    public int PerQuad => default(TElement).PerQuad;

    public int Row(int i, int rows) => (i >> 2) & (rows - 1);

    public int Term(int i, int rows) => ((i / (RowQuads * rows) * RowQuads) + (i & 3)) * PerQuad;

    public int Place(int i, int rows) => i ^ Swap(i >> 2);

    public long Index(int row, int term, int rows, int terms) => ((long)row * terms) + term;

    public bool Has(int row, int term, int rows, int terms, int k) => (row < rows) & (term + k < terms);

    public Block Load(Panel panel, int rowQuad, int termQuad)
    {
        TElement element = default;
        int fours = PerQuad / Quad.Length;
        int quad = termQuad / fours;
        int four = termQuad & (fours - 1);
        // The lane's place of the first quad, which the compiler keeps. Rows 2 and 3 of four have another swap than rows 0 and 1.
        int place = Place(panel.Rows, rowQuad << 2, quad & ~3) ^ (quad & 3);
        ArrayView<Quad> upper = panel.From(place);
        ArrayView<Quad> lower = panel.From(place ^ 1);
        return new Block
        {
            Row0 = element.Four(upper, four),
            Row1 = element.Four(upper, (RowQuads * fours) + four),
            Row2 = element.Four(lower, (2 * RowQuads * fours) + four),
            Row3 = element.Four(lower, (3 * RowQuads * fours) + four),
        };
    }

    // The row that this lane names of its matrix: rows 0 to 15 of one quad, then of the next.
    public LanePlaces LeftPlaces(int rows, int row, int term, int lane) =>
        Halves(Place(rows, row + (lane & 15), (term / PerQuad) + (lane >> 4)));

    // Rows 0 to 7 of one quad, then of the next, then rows 8 to 15.
    public LanePlaces RightPlaces(int rows, int row, int term, int lane) =>
        Halves(Place(rows, row + (lane & 7) + ((lane >> 4) << 3), (term / PerQuad) + ((lane >> 3) & 1)));

    // 16 rows on, quads are exchanged by 2 more, as they are 8 words on.
    public FragmentWords LoadLeft(Panel panel, LanePlaces places, int tile, int half) =>
        TensorCore.LoadMatrices(ref panel.From(((tile ^ half) & 1) == 0 ? places.P0 : places.P1)[tile * 16 * RowQuads]);

    public FragmentWords LoadRight(Panel panel, LanePlaces places, int tile, int half) => LoadLeft(panel, places, tile, half);

    public Quad Four(ArrayView<Quad> quads, int four) => default(TElement).Four(quads, four);

    public void CopyOne(ArrayView<Quad> target, int place, ArrayView<T> source, long index, bool has) =>
        default(TElement).CopyOne(target, place, source, index, has);

    // The second 8 words are two quads on.
    private static LanePlaces Halves(int place) => new() { P0 = place, P1 = place ^ 2 };

    private static int Place(int rows, int row, int quad) => ((quad >> 2) * RowQuads * rows) + (row << 2) + ((quad & 3) ^ Swap(row));

    private static int Swap(int row) => ((row >> 1) ^ (row >> 3)) & 3;
}
