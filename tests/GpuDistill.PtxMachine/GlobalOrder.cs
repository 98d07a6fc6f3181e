namespace GpuDistill.PtxMachine;

/// <summary>
/// What one launch does to global memory, and in which order its threads know that it was done. Two accesses of one place by different
/// threads, one of them a write, are a fault unless a barrier orders them or, between groups, the one's fence and atomic and the other's
/// atomic of the same place and fence (PTX ISA, "Memory Consistency Model": release and acquire patterns). Atomics order themselves. In a
/// kernel that drops what racing reads find, they are none.
/// </summary>
internal sealed class GlobalOrder(bool dropsRacingReads)
{
    private const int RecentPages = 64;

    private readonly Dictionary<ulong, CellPage<Cell>> _pages = [];
    private readonly Dictionary<ulong, Knowledge> _told = []; // by the atomics' places
    private readonly Dictionary<(int Group, int Thread), Thread> _threads = [];
    private readonly Dictionary<int, GroupKnowledge> _known = []; // by groups
    private readonly (ulong Number, CellPage<Cell>? Page)[] _recent = new (ulong, CellPage<Cell>?)[RecentPages];

    /// <returns>Whether what is there may be used.</returns>
    public bool Read(Warp warp, int lane, ulong address, int bytes)
    {
        Stamp now = warp.Stamp(lane);
        bool isUsable = true;
        foreach (ref Cell place in At(address, bytes))
        {
            if (!IsWriteKnown(place, now))
                isUsable = dropsRacingReads ? false : throw Race("reads", now, lane, address, place);
            if (!dropsRacingReads)
                place.Accesses.Read(now);
        }

        return isUsable;
    }

    public void Write(Warp warp, int lane, ulong address, int bytes)
    {
        Stamp now = warp.Stamp(lane);
        foreach (ref Cell place in At(address, bytes))
        {
            if (!IsWriteKnown(place, now) || !AreReadsKnown(place, now))
                throw Race("writes", now, lane, address, place);
            place = new Cell { Accesses = { Writer = now } };
        }
    }

    /// <summary>An atomic read and write: what was released there is this thread's from its next fence on, and what it has released is there.</summary>
    public void Atomic(Warp warp, int lane, ulong address, int bytes)
    {
        Stamp now = warp.Stamp(lane);
        foreach (ref Cell place in At(address, bytes))
        {
            if (!place.IsAtomic && (!IsWriteKnown(place, now) || !AreReadsKnown(place, now)))
                throw Race("changes", now, lane, address, place);
            place = new Cell { Accesses = { Writer = now }, IsAtomic = true };
        }

        if (!_told.TryGetValue(address, out Knowledge? told))
            _told.Add(address, told = new());
        Thread thread = Of(now);
        thread.Found.Add(told);
        told.Add(thread.Told);
    }

    public void Fence(Warp warp, int lane)
    {
        Stamp now = warp.Stamp(lane);
        Thread thread = Of(now);
        GroupKnowledge group = KnownTo(now.Group);
        group.Add(now, thread.Found);
        thread.Told.Add(now);
        group.AddTo(thread.Told, now); // what others have let this thread know it passes on
    }

    private static PtxFault Race(string does, Stamp now, int lane, ulong address, Cell place) => new(
        $"lane {lane}, {now}, {does} global memory at {address:X} in a race: {place.Accesses}");

    // Atomics of one place are in order, so that a group's own is after all before it.
    private bool IsWriteKnown(Cell place, Stamp now) =>
        IsKnown(place.Accesses.Writer, now) || (place.IsAtomic && place.Accesses.Writer.Group == now.Group);

    private bool AreReadsKnown(Cell place, Stamp now) => IsKnown(place.Accesses.FirstReader, now) && IsKnown(place.Accesses.LastReader, now);

    private bool IsKnown(Stamp earlier, Stamp now) => !earlier.IsSet
        || (earlier.Group == now.Group ? earlier.IsBefore(now) : KnownTo(now.Group).Covers(earlier, now));

    private Thread Of(Stamp now)
    {
        if (!_threads.TryGetValue((now.Group, now.Thread), out Thread? thread))
            _threads.Add((now.Group, now.Thread), thread = new());
        return thread;
    }

    private GroupKnowledge KnownTo(int group)
    {
        if (!_known.TryGetValue(group, out GroupKnowledge? known))
            _known.Add(group, known = new());
        return known;
    }

    // An access lies within a page, since it begins at a multiple of its bytes.
    private Span<Cell> At(ulong address, int bytes)
    {
        ulong number = address / CellPage<Cell>.Bytes;
        ref (ulong Number, CellPage<Cell>? Page) recent = ref _recent[number % RecentPages];
        if (recent.Page is null || recent.Number != number)
        {
            if (!_pages.TryGetValue(number, out CellPage<Cell>? page))
                _pages.Add(number, page = new());
            recent = (number, page);
        }

        return recent.Page.At((int)(address % CellPage<Cell>.Bytes), bytes);
    }

    private struct Cell
    {
        public Accesses Accesses;

        // Whether it was last written by an atomic.
        public bool IsAtomic;
    }

    // What a thread's fences have made ready to be told, and what its atomics have found since the last.
    private sealed class Thread
    {
        public Knowledge Told { get; } = new();

        public Knowledge Found { get; } = new();
    }
}
