namespace GpuDistill.Kernels;

/// <summary>What is known of a quad's place. Implementations are empty structs.</summary>
internal interface IQuadPlace
{
    bool IsInRow(int column, int columns);
}

/// <summary>Every row has it.</summary>
internal readonly struct InRow : IQuadPlace
{
    public bool IsInRow(int column, int columns) => true;
}

/// <summary>A row may end before it.</summary>
internal readonly struct PerhapsInRow : IQuadPlace
{
    public bool IsInRow(int column, int columns) => column < columns;
}

/// <summary>One quad of each in registers.</summary>
internal struct QuadRow<TPlace> : ILogitRow<QuadRow<TPlace>>
    where TPlace : unmanaged, IQuadPlace
{
    private QuadPair _quads;

    public readonly int Quads => 1;

    public QuadRow<TPlace> Read<T, TAccess>(RowSource<T> source, int first)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        QuadRow<TPlace> row = default;
        if (default(TPlace).IsInRow(first, source.Columns))
            row._quads = LogitRow.Read<T, TAccess>(source, first);
        return row;
    }

    public QuadRow<TPlace> Widen<T, TAccess>()
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> => new() { _quads = LogitRow.Widen<T, TAccess>(_quads) };

    public TState Fold<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadPass<TState>
    {
        if (default(TPlace).IsInRow(first, source.Columns))
            state = pass.Step(state, _quads, first);
        return state;
    }

    public Changed<QuadRow<TPlace>, TState> Change<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadChange<TState>
    {
        Changed<QuadPair, TState> changed = new() { Now = _quads, State = state };
        if (default(TPlace).IsInRow(first, source.Columns))
            changed = pass.Change(state, _quads, first);
        return new Changed<QuadRow<TPlace>, TState> { Now = new QuadRow<TPlace> { _quads = changed.Now }, State = changed.State };
    }
}

/// <summary>The quads of two, one after the other: what unrolls the passes.</summary>
internal struct JoinedRow<TLow, THigh> : ILogitRow<JoinedRow<TLow, THigh>>
    where TLow : struct, ILogitRow<TLow>
    where THigh : struct, ILogitRow<THigh>
{
    private TLow _low;
    private THigh _high;

    public readonly int Quads => _low.Quads + _high.Quads;

    public JoinedRow<TLow, THigh> Read<T, TAccess>(RowSource<T> source, int first)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> => new()
        {
            _low = _low.Read<T, TAccess>(source, first),
            _high = _high.Read<T, TAccess>(source, first + (_low.Quads * source.Stride)),
        };

    public JoinedRow<TLow, THigh> Widen<T, TAccess>()
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> => new() { _low = _low.Widen<T, TAccess>(), _high = _high.Widen<T, TAccess>() };

    public TState Fold<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadPass<TState>
    {
        state = _low.Fold<T, TAccess, TState, TPass>(source, first, state, pass);
        return _high.Fold<T, TAccess, TState, TPass>(source, first + (_low.Quads * source.Stride), state, pass);
    }

    public Changed<JoinedRow<TLow, THigh>, TState> Change<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadChange<TState>
    {
        Changed<TLow, TState> low = _low.Change<T, TAccess, TState, TPass>(source, first, state, pass);
        Changed<THigh, TState> high = _high.Change<T, TAccess, TState, TPass>(source, first + (_low.Quads * source.Stride), low.State, pass);
        return new Changed<JoinedRow<TLow, THigh>, TState>
        {
            Now = new JoinedRow<TLow, THigh> { _low = low.Now, _high = high.Now },
            State = high.State,
        };
    }
}

/// <summary>The same of two of a kind: a name that does not say its row twice, and so can be nested.</summary>
internal struct TwiceRow<TRow> : ILogitRow<TwiceRow<TRow>>
    where TRow : struct, ILogitRow<TRow>
{
    private JoinedRow<TRow, TRow> _both;

    public readonly int Quads => _both.Quads;

    public TwiceRow<TRow> Read<T, TAccess>(RowSource<T> source, int first)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> => new() { _both = _both.Read<T, TAccess>(source, first) };

    public TwiceRow<TRow> Widen<T, TAccess>()
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> => new() { _both = _both.Widen<T, TAccess>() };

    public TState Fold<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadPass<TState> => _both.Fold<T, TAccess, TState, TPass>(source, first, state, pass);

    public Changed<TwiceRow<TRow>, TState> Change<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadChange<TState>
    {
        Changed<JoinedRow<TRow, TRow>, TState> changed = _both.Change<T, TAccess, TState, TPass>(source, first, state, pass);
        return new Changed<TwiceRow<TRow>, TState> { Now = new TwiceRow<TRow> { _both = changed.Now }, State = changed.State };
    }
}

/// <summary>Any number of quads, read again in each pass: for rows that no team holds in its registers.</summary>
internal struct StreamedRow : ILogitRow<StreamedRow>
{
    public readonly int Quads => 0;

    public StreamedRow Read<T, TAccess>(RowSource<T> source, int first)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> => default;

    public StreamedRow Widen<T, TAccess>()
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> => default;

    public TState Fold<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadPass<TState>
    {
        for (int column = first; column < source.Columns; column += source.Stride)
            state = pass.Step(state, LogitRow.Widen<T, TAccess>(LogitRow.Read<T, TAccess>(source, column)), column);
        return state;
    }

    public Changed<StreamedRow, TState> Change<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadChange<TState> => new()
        {
            State = Fold<T, TAccess, TState, QuadPassOf<TState, TPass>>(source, first, state, new QuadPassOf<TState, TPass> { Pass = pass }),
        };
}

/// <summary>A pass whose changes are forgotten. A device struct.</summary>
internal struct QuadPassOf<TState, TPass> : IQuadPass<TState>
    where TState : struct
    where TPass : struct, IQuadChange<TState>
{
    public TPass Pass;

    public TState Step(TState state, QuadPair quads, int column) => Pass.Change(state, quads, column).State;
}
