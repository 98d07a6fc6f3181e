using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: what a thread copies of an operand's panels from global to shared memory, the same quads of each. A device struct.
/// </summary>
internal struct PanelCopy<T, TLayout>
    where T : unmanaged
    where TLayout : unmanaged, IPanelLayout<T>
{
    private ArrayView<T> _source;
    private ArrayView<Quad> _shared;
    private int _whole, _rows, _terms, _firstRow, _panelRows, _quads, _threads, _stepTerms;

    // The first term of the panel that is copied next. What is a thread's own is reckoned from its number each time: registers that
    // live through the loop are dearer.
    private int _firstTerm;

    /// <param name="source">The operand.</param>
    /// <param name="whole">Whether it is read 16 bytes at a time.</param>
    /// <param name="rows">Its rows; of the right operand, its columns.</param>
    /// <param name="terms">Its terms.</param>
    /// <param name="firstRow">The first row of the tile.</param>
    /// <param name="panelRows">The rows of a panel.</param>
    /// <param name="stepTerms">The terms of a panel.</param>
    /// <param name="threads">The threads of the group.</param>
    /// <param name="shared">The panels.</param>
    public static PanelCopy<T, TLayout> Of(
        ArrayView<T> source, int whole, int rows, int terms, int firstRow, int panelRows, int stepTerms, int threads, ArrayView<Quad> shared)
    {
        TLayout layout = default;
        return new PanelCopy<T, TLayout>
        {
            _source = source,
            _shared = shared,
            _whole = whole,
            _rows = rows,
            _terms = terms,
            _firstRow = firstRow,
            _panelRows = panelRows,
            _quads = panelRows * stepTerms / layout.PerQuad,
            _threads = threads,
            _stepTerms = stepTerms,
        };
    }

    /// <summary>Starts the copies of the next panel to <paramref name="start"/>, and is ready for the one after it.</summary>
    public void Start(int start)
    {
        if (_whole != 0)
            StartWhole(start);
        else
            StartSingle(start);
        _firstTerm += _stepTerms;
    }

    // The quads of such an operand are in the matrix whole or not at all.
    private readonly void StartWhole(int start)
    {
        TLayout layout = default;
        int firstRow = _firstRow + layout.Row(Group.IdxX, _panelRows);
        int firstTerm = _firstTerm + layout.Term(Group.IdxX, _panelRows);
        ArrayView<Quad> target = _shared.SubView(start + layout.Place(Group.IdxX, _panelRows));
        ArrayView<Quad> source = _source.Cast<Quad>();
        long stride = layout.Index(layout.Row(_threads, _panelRows), layout.Term(_threads, _panelRows), _rows, _terms) / layout.PerQuad;
        long quad = layout.Index(firstRow, firstTerm, _rows, _terms) / layout.PerQuad;
        for (int i = 0; i < _quads; i += _threads)
        {
            bool has = layout.Has(firstRow + layout.Row(i, _panelRows), firstTerm + layout.Term(i, _panelRows), _rows, _terms, 0);
            AsyncCopy.OneQuad(ref target[layout.Place(i, _panelRows)], ref source[has ? quad : 0], has ? AsyncCopy.QuadBytes : 0);
            quad += stride;
        }
    }

    // The group's size is asked for, not known to the compiler: this way is not worth registers of unrolled loops.
    private readonly void StartSingle(int start)
    {
        TLayout layout = default;
        for (int i = Group.IdxX; i < _quads; i += Group.DimX)
        {
            int row = _firstRow + layout.Row(i, _panelRows);
            int term = _firstTerm + layout.Term(i, _panelRows);
            long index = layout.Index(row, term, _rows, _terms);
            int place = (start + layout.Place(i, _panelRows)) * layout.PerQuad;
            for (int k = 0; k < layout.PerQuad; k++)
                layout.CopyOne(_shared, place + k, _source, index + k, layout.Has(row, term, _rows, _terms, k));
        }
    }
}
