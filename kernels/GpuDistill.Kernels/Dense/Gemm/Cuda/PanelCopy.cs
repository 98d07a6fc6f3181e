using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: what a thread copies of an operand's panels from global to shared memory, the same quads of each. A device struct.
/// </summary>
internal struct PanelCopy
{
    /// <summary>The quads of a panel.</summary>
    public const int Quads = 512;

    private ArrayView<float> _source;
    private ArrayView<Quad> _shared;
    private int _whole, _rows, _terms, _panelRows;

    // The row, term and place of this thread's first quad.
    private int _row, _term, _place;

    /// <param name="source">The operand.</param>
    /// <param name="whole">Whether it is read 16 bytes at a time.</param>
    /// <param name="rows">Its rows; of the right operand, its columns.</param>
    /// <param name="terms">Its terms.</param>
    /// <param name="firstRow">The first row of the tile.</param>
    /// <param name="panelRows">The rows of the tile.</param>
    /// <param name="shared">The panels.</param>
    public static PanelCopy Of<TLayout>(
        ArrayView<float> source, int whole, int rows, int terms, int firstRow, int panelRows, ArrayView<Quad> shared)
        where TLayout : unmanaged, IOperandLayout
    {
        TLayout layout = default;
        return new PanelCopy
        {
            _source = source,
            _shared = shared,
            _whole = whole,
            _rows = rows,
            _terms = terms,
            _panelRows = panelRows,
            _row = firstRow + layout.Row(Group.IdxX, panelRows),
            _term = layout.Term(Group.IdxX, panelRows),
            _place = layout.Place(Group.IdxX, panelRows),
        };
    }

    /// <summary>Starts the copies of the panel of the terms from <paramref name="firstTerm"/> on.</summary>
    public readonly void Start<TLayout>(int start, int firstTerm, int threads)
        where TLayout : unmanaged, IOperandLayout
    {
        if (_whole != 0)
            StartWhole<TLayout>(start, firstTerm, threads);
        else
            StartSingle<TLayout>(start, firstTerm, threads);
    }

    // The quads of such an operand are in the matrix whole or not at all.
    private readonly void StartWhole<TLayout>(int start, int firstTerm, int threads)
        where TLayout : unmanaged, IOperandLayout
    {
        TLayout layout = default;
        ArrayView<Quad> target = _shared.SubView(start + _place);
        for (int i = 0; i < Quads; i += threads)
        {
            int row = _row + layout.Row(i, _panelRows);
            int term = firstTerm + _term + layout.Term(i, _panelRows);
            bool has = layout.Has(row, term, _rows, _terms, 0);
            long index = layout.Index(row, term, _rows, _terms);
            AsyncCopy.FourFloats(ref target[i], ref _source.Cast<Quad>()[has ? index >> 2 : 0], has ? Quad.Length * sizeof(float) : 0);
        }
    }

    private readonly void StartSingle<TLayout>(int start, int firstTerm, int threads)
        where TLayout : unmanaged, IOperandLayout
    {
        TLayout layout = default;
        ArrayView<float> target = _shared.Cast<float>().SubView((start + _place) * Quad.Length);
        for (int i = 0; i < Quads; i += threads)
        {
            int row = _row + layout.Row(i, _panelRows);
            int term = firstTerm + _term + layout.Term(i, _panelRows);
            long index = layout.Index(row, term, _rows, _terms);
            for (int k = 0; k < Quad.Length; k++)
            {
                bool has = layout.Has(row, term, _rows, _terms, k);
                AsyncCopy.OneFloat(ref target[(i * Quad.Length) + k], ref _source[has ? index + k : 0], has ? sizeof(float) : 0);
            }
        }
    }
}
