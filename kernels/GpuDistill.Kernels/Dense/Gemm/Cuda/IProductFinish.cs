using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>Device code: what an operation does with each sum of its product, and stores.</summary>
internal interface IProductFinish
{
    /// <summary>The random words of a row's columns <paramref name="column"/> and 16, 32 and 48 after it, in one block of 64.</summary>
    Philox.Words Draw(int row, int column);

    /// <summary>Takes the sum of an element of the result.</summary>
    void Store(int row, int column, float sum, Philox.Words words);
}

/// <summary>Stores the product as it is.</summary>
internal struct PlainFinish<T, TStorage> : IProductFinish
    where T : unmanaged
    where TStorage : unmanaged, IStorage<T>
{
    public ArrayView<T> Result;
    public int Columns;

    public readonly Philox.Words Draw(int row, int column) => default;

    public readonly void Store(int row, int column, float sum, Philox.Words words) =>
        default(TStorage).Store(Result, ((long)row * Columns) + column, sum);
}

/// <summary>Device code: sums of the right operand's columns that a group makes beside its product, of the panels it has at hand.</summary>
internal interface IColumnSums<TSums>
    where TSums : struct
{
    /// <summary>The sums with a panel added, <paramref name="terms"/> terms of a tile's columns.</summary>
    TSums Add<TRight>(Panel panel, int terms)
        where TRight : unmanaged, IPanelLayout;

    /// <summary>Adds up what the threads have and stores it. All threads of the group must call it.</summary>
    void Store(ArrayView<Quad> shared, int firstColumn, int columns, int allColumns);
}

/// <summary>No sums of columns.</summary>
internal struct NoColumnSums : IColumnSums<NoColumnSums>
{
    public readonly NoColumnSums Add<TRight>(Panel panel, int terms)
        where TRight : unmanaged, IPanelLayout => this;

    public readonly void Store(ArrayView<Quad> shared, int firstColumn, int columns, int allColumns)
    {
    }
}

/// <summary>
/// Sums of columns in single precision: a thread has four columns of every n-th four terms in the order of the terms, then one thread
/// per column adds the n parts in order.
/// </summary>
internal struct PanelColumnSums : IColumnSums<PanelColumnSums>
{
    public ArrayView<float> Target;
    private Quad _sums;

    public readonly PanelColumnSums Add<TRight>(Panel panel, int terms)
        where TRight : unmanaged, IPanelLayout
    {
        int width = panel.Rows / Quad.Length;
        PanelColumnSums sums = this;
        for (int i = Group.IdxX; i < width * terms / Quad.Length; i += Group.DimX)
        {
            Block block = default(TRight).Load(panel, i & (width - 1), i / width);
            sums = sums.Add(block.Term0).Add(block.Term1).Add(block.Term2).Add(block.Term3);
        }

        return sums;
    }

    public readonly void Store(ArrayView<Quad> shared, int firstColumn, int columns, int allColumns)
    {
        Group.Barrier(); // the sums of the product may still be read
        shared[Group.IdxX] = _sums;
        Group.Barrier();
        int column = firstColumn + Group.IdxX;
        if (Group.IdxX < columns && column < allColumns)
        {
            float sum = 0;
            for (int i = Group.IdxX; i < Group.DimX * Quad.Length; i += columns)
                sum += shared.Cast<float>()[i];
            Target[column] = sum;
        }
    }

    private readonly PanelColumnSums Add(Quad columns)
    {
        PanelColumnSums sums = this;
        sums._sums.X += columns.X;
        sums._sums.Y += columns.Y;
        sums._sums.Z += columns.Z;
        sums._sums.W += columns.W;
        return sums;
    }
}
