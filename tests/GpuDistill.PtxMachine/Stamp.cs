namespace GpuDistill.PtxMachine;

/// <summary>Who did something, and when, as far as threads tell each other; packed, because every place of memory has some.</summary>
internal readonly record struct Stamp
{
    private const int GroupBits = 18;
    private const int ThreadBits = 10;
    private const int EpochBits = 16;
    private const int WarpEpochBits = 14;
    private const int FenceBits = 6;

    private readonly ulong _packed;

    /// <param name="group">The group.</param>
    /// <param name="thread">The thread of it.</param>
    /// <param name="epoch">Barriers of the group before.</param>
    /// <param name="warpEpoch">Barriers of the warp before.</param>
    /// <param name="fences">Fences of the thread before.</param>
    public Stamp(int group, int thread, int epoch, int warpEpoch, int fences)
    {
        if (group + 1 >= 1 << GroupBits || epoch >= 1 << EpochBits || warpEpoch >= 1 << WarpEpochBits)
            throw new NotSupportedException("More groups or barriers than the PTX machine counts.");
        _packed = (ulong)group + 1;
        _packed = Append(_packed, thread, ThreadBits);
        _packed = Append(_packed, epoch, EpochBits);
        _packed = Append(_packed, warpEpoch, WarpEpochBits);
        _packed = Append(_packed, Math.Min(fences, (1 << FenceBits) - 1), FenceBits);
    }

    /// <summary>Whether it is anybody's.</summary>
    public bool IsSet => _packed != 0;

    public int Group => (int)(_packed >> (ThreadBits + EpochBits + WarpEpochBits + FenceBits)) - 1;

    public int Thread => Field(EpochBits + WarpEpochBits + FenceBits, ThreadBits);

    public int Epoch => Field(WarpEpochBits + FenceBits, EpochBits);

    public int WarpEpoch => Field(FenceBits, WarpEpochBits);

    public int Fences => Field(0, FenceBits);

    /// <summary>Whether this is done when another thread of the same group, or the same thread, gets there: by its own order or a barrier.</summary>
    public bool IsBefore(Stamp later) => Thread == later.Thread || Epoch < later.Epoch || (IsInWarpOf(later) && WarpEpoch < later.WarpEpoch);

    /// <summary>Whether it is after another one of the same thread, as fences count.</summary>
    public bool IsAfter(Stamp other) => Fences > other.Fences || Epoch > other.Epoch;

    public override string ToString() => IsSet ? $"thread {Thread} of group {Group} after {Epoch} barriers and {Fences} fences" : "nobody";

    private bool IsInWarpOf(Stamp other) => Thread / Warp.Size == other.Thread / Warp.Size && Epoch == other.Epoch;

    private static ulong Append(ulong packed, int value, int bits) => (packed << bits) | (uint)value;

    private int Field(int shift, int bits) => (int)(_packed >> shift) & ((1 << bits) - 1);
}
