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

    /// <summary>0 where there is none.</summary>
    public int HasTeacher;

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

/// <summary>Where a row's gradient goes. A device struct.</summary>
internal struct GradientTarget<T>
    where T : unmanaged
{
    public ArrayView<T> Gradient;

    /// <summary>The row's first element.</summary>
    public long Start;
    public int Columns;
}

/// <summary>What is done to each quad of a row, in order.</summary>
internal interface IQuadPass<TState>
    where TState : struct
{
    TState Step(TState state, QuadPair quads, int column);
}

/// <summary>The same for a pass that leaves other quads in the row's registers.</summary>
internal interface IQuadChange<TState>
    where TState : struct
{
    Changed<QuadPair, TState> Change(TState state, QuadPair quads, int column);
}

/// <summary>What is there after a change, and its state. A device struct.</summary>
internal struct Changed<T, TState>
    where T : struct
    where TState : struct
{
    public T Now;
    public TState State;
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

    /// <summary>The quads as they are in memory: nothing waits for one before all are asked for.</summary>
    TSelf Read<T, TAccess>(RowSource<T> source, int first)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>;

    /// <summary>The logits of what was read.</summary>
    TSelf Widen<T, TAccess>()
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>;

    TState Fold<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadPass<TState>;

    /// <summary>A pass that changes the quads in registers; of a row that is read again each time it changes none.</summary>
    Changed<TSelf, TState> Change<T, TAccess, TState, TPass>(RowSource<T> source, int first, TState state, TPass pass)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TState : struct
        where TPass : struct, IQuadChange<TState>;
}

/// <summary>Reading a row.</summary>
internal static class LogitRow
{
    /// <summary>A thread's logits.</summary>
    public static TRow Load<T, TAccess, TRow>(RowSource<T> source)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
        where TRow : struct, ILogitRow<TRow>
    {
        TRow row = default;
        return row.Read<T, TAccess>(source, source.First).Widen<T, TAccess>();
    }

    /// <summary>One quad of each, as it is in memory.</summary>
    public static QuadPair Read<T, TAccess>(RowSource<T> source, int column)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        TAccess access = default;
        QuadPair pair = default;
        pair.Student = access.Read(source.Student, source.StudentStart, column, source.Columns);
        if (source.HasTeacher != 0)
            pair.Teacher = access.Read(source.Teacher, source.TeacherStart, column, source.Columns);
        return pair;
    }

    public static QuadPair Widen<T, TAccess>(QuadPair quads)
        where T : unmanaged
        where TAccess : unmanaged, IQuadAccess<T>
    {
        TAccess access = default;
        return new QuadPair { Student = access.Widen(quads.Student), Teacher = access.Widen(quads.Teacher) };
    }
}
