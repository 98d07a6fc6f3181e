using ILGPU;
using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

/// <summary>Where the logits of a row are, and which columns are a thread's. A device struct.</summary>
internal struct RowSource<T>
    where T : unmanaged
{
    public ArrayView<T> Student, Teacher;

    /// <summary>The row's first element in each.</summary>
    public long StudentStart, TeacherStart;

    /// <summary>The length of the row, or 0 where there is nothing to do.</summary>
    public int Columns;

    /// <summary>The thread's first column, and how far its quads are apart: four times the team.</summary>
    public int First, Stride;

    /// <summary>0 where no teacher is read.</summary>
    public int Soft;

    /// <summary>
    /// The same of <paramref name="length"/> columns from <paramref name="start"/> on: what a team's registers hold at a time.
    /// </summary>
    public readonly RowSource<T> Block(int start, int length)
    {
        RowSource<T> block = this;
        block.First += start;
        block.Columns = XMath.Min(Columns - start, length) + start;
        return block;
    }
}

/// <summary>What is done to each quad of a row, in order.</summary>
internal interface IQuadPass<TState>
    where TState : struct
{
    TState Step(TState state, QuadPair quads, int column);
}

/// <summary>
/// One thread's part of a row of logits. A pass goes over it quad by quad; whether they are in registers or come from memory
/// each time is the implementation's business. All by value: ILGPU keeps nested structs of fields in registers, and no arrays.
/// </summary>
internal interface ILogitRow<TSelf>
    where TSelf : struct
{
    /// <summary>Quads per thread; 0 for any number.</summary>
    int Quads { get; }

    TSelf Load<T, TAccess>(RowSource<T> source, int first)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>;

    TState Fold<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadPass<TState>;
}

/// <summary>One quad of each in registers.</summary>
internal struct QuadRow : ILogitRow<QuadRow>
{
    private QuadPair _quads;

    public readonly int Quads => 1;

    public QuadRow Load<T, TAccess>(RowSource<T> source, int first)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        QuadRow row = default;
        if (first < source.Columns)
            row._quads = Pair<T, TAccess>(source, first);
        return row;
    }

    public TState Fold<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadPass<TState>
    {
        if (first < source.Columns)
            state = pass.Step(state, _quads, first);
        return state;
    }

    public static QuadPair Pair<T, TAccess>(RowSource<T> source, int column)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        TAccess access = default;
        QuadPair pair = default;
        pair.Student = access.Load(source.Student, source.StudentStart, column, source.Columns);
        if (source.Soft != 0)
            pair.Teacher = access.Load(source.Teacher, source.TeacherStart, column, source.Columns);
        return pair;
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

    public JoinedRow<TLow, THigh> Load<T, TAccess>(RowSource<T> source, int first)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        JoinedRow<TLow, THigh> row = default;
        row._low = _low.Load<T, TAccess>(source, first);
        row._high = _high.Load<T, TAccess>(source, first + (_low.Quads * source.Stride));
        return row;
    }

    public TState Fold<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadPass<TState>
    {
        state = _low.Fold<T, TAccess, TState, TPass>(source, first, state, pass);
        return _high.Fold<T, TAccess, TState, TPass>(source, first + (_low.Quads * source.Stride), state, pass);
    }
}

/// <summary>Any number of quads, read again in each pass: for rows that no team holds in its registers.</summary>
internal struct StreamedRow : ILogitRow<StreamedRow>
{
    public readonly int Quads => 0;

    public StreamedRow Load<T, TAccess>(RowSource<T> source, int first)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T> => default;

    public TState Fold<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadPass<TState>
    {
        for (int column = first; column < source.Columns; column += source.Stride)
            state = pass.Step(state, QuadRow.Pair<T, TAccess>(source, column), column);
        return state;
    }
}
