using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Single precision, a term's rows are neighbours: the right operand as it is, the left one transposed. A panel is one line of
/// quads per term, exchanged by two bits of the term's number.
/// </summary>
internal readonly struct AcrossFloats : IOperandLayout<float>
{
    public bool TermsAreNeighbours => false;

    public int PerQuad => default(FloatElement).PerQuad;

    public int Row(int i, int rows) => (i << 2) & (rows - 1);

    public int Term(int i, int rows) => i / (rows / Quad.Length);

    public int Place(int i, int rows) => i ^ Swap(Term(i, rows));

    public long Index(int row, int term, int rows, int terms) => ((long)term * rows) + row;

    public bool Has(int row, int term, int rows, int terms, int k) => (row + k < rows) & (term < terms);

    public Block Load(Panel panel, int rowQuad, int termQuad)
    {
        int width = panel.Rows / Quad.Length;
        ArrayView<Quad> line = panel.From(termQuad * Quad.Length * width);
        Block terms = new()
        {
            Row0 = line[rowQuad ^ Swap(0)],
            Row1 = line[width + (rowQuad ^ Swap(1))],
            Row2 = line[(2 * width) + (rowQuad ^ Swap(2))],
            Row3 = line[(3 * width) + (rowQuad ^ Swap(3))],
        };
        return terms.Transposed;
    }

    // Words: row g of each 8 of 32 rows, term t.
    public LanePlaces LeftPlaces(int rows, int row, int term, int lane)
    {
        int t = lane & 3;
        int line = ((term + t) * rows) + row + (lane >> 2);
        int swap = Swap(t) << 2;
        return new LanePlaces { P0 = line + swap, P1 = line + (8 ^ swap), P2 = line + (16 ^ swap), P3 = line + (24 ^ swap) };
    }

    public LanePlaces RightPlaces(int rows, int row, int term, int lane) => LeftPlaces(rows, row, term, lane);

    public FragmentWords LoadLeft(Panel panel, LanePlaces places, int tile, int half)
    {
        FragmentWords right = LoadRight(panel, places, tile, half);
        return new FragmentWords { X = right.X, Y = right.Z, Z = right.Y, W = right.W };
    }

    public FragmentWords LoadRight(Panel panel, LanePlaces places, int tile, int half)
    {
        ArrayView<uint> words = panel.Shared.Cast<uint>();
        ArrayView<uint> upper = words.SubView((panel.Start * Quad.Length) + ((tile & 1) == 0 ? places.P0 : places.P2));
        ArrayView<uint> lower = words.SubView((panel.Start * Quad.Length) + ((tile & 1) == 0 ? places.P1 : places.P3));
        int first = (tile / 2 * GemmStep.BlockSide) + (half * TensorCore.Words * panel.Rows);
        int second = first + (4 * panel.Rows);
        return new FragmentWords { X = upper[first], Y = upper[second], Z = lower[first], W = lower[second] };
    }

    public Quad Four(ArrayView<Quad> quads, int four) => default(FloatElement).Four(quads, four);

    public void CopyOne(ArrayView<Quad> target, int place, ArrayView<float> source, long index, bool has) =>
        default(FloatElement).CopyOne(target, place, source, index, has);

    private static int Swap(int term) => (term & 3) << 1;
}
