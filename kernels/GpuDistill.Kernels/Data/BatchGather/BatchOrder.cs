namespace GpuDistill.Kernels;

/// <summary>
/// Which of the L rows that take part stands at a position of a batch, for host and device code alike. Position i of step s
/// is number g = s * B + i of the whole run: place g % L of epoch g / L. An epoch's order is a keyed permutation, so it is
/// stored nowhere.
/// </summary>
internal struct BatchOrder
{
    /// <summary>The seed of the orders.</summary>
    public ulong Seed;

    /// <summary>L, the rows that take part.</summary>
    public int Length;

    /// <summary>B, the rows of a batch.</summary>
    public int BatchSize;

    /// <summary>1: each epoch has an order of its own; 0: rows stand in order.</summary>
    public int Shuffle;

    /// <summary>1: epochs follow one another; 0: there is only the first.</summary>
    public int Wrap;

    /// <summary>The epoch that a position belongs to, or -1 where there is no row: beyond a single pass, or before step 0.</summary>
    public readonly long Epoch(long step, int position)
    {
        long number = (step * BatchSize) + position;
        return number < 0 || (Wrap == 0 && number >= Length) ? -1 : number / Length;
    }

    /// <summary>The order of an epoch.</summary>
    public readonly KeyedPermutation Permutation(long epoch) =>
        KeyedPermutation.Create(Seed, RandomStreams.Shuffle, epoch, Length);

    /// <summary>The number, from 0 to L - 1, of the row at a position of an epoch whose order is <paramref name="permutation"/>.</summary>
    public readonly int IndexAt(long step, int position, long epoch, in KeyedPermutation permutation)
    {
        int place = (int)((step * BatchSize) + position - (epoch * Length));
        return Shuffle != 0 ? permutation.At(place) : place;
    }
}
