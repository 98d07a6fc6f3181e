namespace GpuDistill.PtxMachine;

/// <summary>
/// A group's shared memory. It begins as nonsense, and two accesses of one place by different threads, one of them a write, with
/// neither a barrier of the group nor, in one warp, one of the warp between them, are a fault. In a kernel that is known to drop what such
/// reads find they find nonsense instead.
/// </summary>
internal sealed class GroupMemory
{
    private readonly byte[] _bytes;
    private readonly CellPage<Cell>?[] _pages;
    private readonly bool _dropsRacingReads;

    public GroupMemory(int bytes, bool dropsRacingReads)
    {
        _dropsRacingReads = dropsRacingReads;
        _bytes = new byte[bytes];
        Array.Fill(_bytes, Nonsense.Byte);
        _pages = new CellPage<Cell>?[(bytes / CellPage<Cell>.Bytes) + 1];
    }

    public ReadOnlySpan<byte> Read(Warp warp, int lane, ulong address, int bytes)
    {
        Check(lane, address, bytes);
        Stamp now = warp.Stamp(lane);
        ReadOnlySpan<byte> read = _bytes.AsSpan((int)address, bytes);
        foreach (ref Cell cell in Cells(address, bytes))
        {
            if (IsUnordered(cell.Accesses.Writer, now))
                read = _dropsRacingReads ? Nonsense.Of(bytes) : throw Race(lane, address, cell, now);
            cell.Accesses.Read(now);
        }

        return read;
    }

    /// <summary>What a product reads for its warp: a thread's writes only once that thread has made them known.</summary>
    public ReadOnlySpan<byte> ReadByProxy(Warp warp, ulong address, int bytes)
    {
        ReadOnlySpan<byte> read = Read(warp, 0, address, bytes);
        foreach (Cell cell in Cells(address, bytes))
        {
            Stamp writer = cell.Accesses.Writer;
            if (writer.IsSet && warp.Group.ProxyFencesOf(writer.Thread) <= cell.WriterProxyFences)
                throw new PtxFault($"a product reads at {address} what {writer} wrote and has not made known to it");
        }

        return read;
    }

    public Span<byte> Write(Warp warp, int lane, ulong address, int bytes)
    {
        Check(lane, address, bytes);
        Stamp now = warp.Stamp(lane);
        foreach (ref Cell cell in Cells(address, bytes))
        {
            bool isRead = !_dropsRacingReads && (IsUnordered(cell.Accesses.FirstReader, now) || IsUnordered(cell.Accesses.LastReader, now));
            if (isRead || IsUnordered(cell.Accesses.Writer, now))
                throw Race(lane, address, cell, now);
            cell = new Cell { Accesses = { Writer = now }, WriterProxyFences = warp.ProxyFences[lane] };
        }

        return _bytes.AsSpan((int)address, bytes);
    }

    private static bool IsUnordered(Stamp earlier, Stamp now) => earlier.IsSet && !earlier.IsBefore(now);

    private static PtxFault Race(int lane, ulong address, Cell cell, Stamp now) =>
        new($"lane {lane} ({now}) races for shared memory at {address}, {cell.Accesses}");

    private void Check(int lane, ulong address, int bytes)
    {
        if (address < Program.SharedStart || address + (ulong)bytes > (ulong)_bytes.Length)
            throw new PtxFault($"lane {lane} is outside of shared memory, at {address}");
        if (address % (ulong)bytes != 0)
            throw new PtxFault($"lane {lane} accesses {bytes} bytes of shared memory at {address}, no multiple of them");
    }

    private Span<Cell> Cells(ulong address, int bytes)
    {
        (int page, int offset) = Math.DivRem((int)address, CellPage<Cell>.Bytes);
        return (_pages[page] ??= new CellPage<Cell>()).At(offset, bytes);
    }

    private struct Cell
    {
        public Accesses Accesses;
        public int WriterProxyFences;
    }
}
