namespace GpuDistill.PtxMachine;

/// <summary>
/// A group's shared memory. It begins as nonsense, and two accesses of one place by different threads, one of them a write, with
/// neither a barrier of the group nor, in one warp, one of the warp between them, are a fault. In a kernel that is known to drop what such
/// reads find they find nonsense instead.
/// </summary>
internal sealed class GroupMemory
{
    private const int CellBytes = 2;

    private static readonly byte[] Nonsense = [.. Enumerable.Repeat((byte)0xFF, 16)]; // no number, in any type

    private readonly byte[] _bytes;
    private readonly Cell[] _cells;

    private readonly bool _dropsRacingReads;

    public GroupMemory(int bytes, bool dropsRacingReads)
    {
        _dropsRacingReads = dropsRacingReads;
        _bytes = new byte[bytes];
        Array.Fill(_bytes, Nonsense[0]);
        _cells = new Cell[(bytes + CellBytes - 1) / CellBytes];
    }

    public ReadOnlySpan<byte> Read(Warp warp, int lane, ulong address, int bytes)
    {
        Check(lane, address, bytes);
        Access now = new(warp.ThreadOf(lane) + 1, warp.Group.Epoch, warp.Epoch);
        ReadOnlySpan<byte> read = _bytes.AsSpan((int)address, bytes);
        foreach (ref Cell cell in Cells(address, bytes))
        {
            if (cell.Writer.IsUnorderedWith(now))
                read = _dropsRacingReads ? Nonsense.AsSpan(0, bytes) : throw Race(lane, address, cell, now);
            cell.Add(now);
        }

        return read;
    }

    /// <summary>What a product reads for its warp: a thread's writes only once that thread has made them known.</summary>
    public ReadOnlySpan<byte> ReadByProxy(Warp warp, ulong address, int bytes)
    {
        ReadOnlySpan<byte> read = Read(warp, 0, address, bytes);
        foreach (Cell cell in Cells(address, bytes))
        {
            if (cell.Writer.Thread != 0 && warp.Group.ProxyFencesOf(cell.Writer.Thread - 1) <= cell.WriterFences)
                throw new PtxFault($"a product reads at {address} what {cell.Writer} wrote and has not made known to it");
        }

        return read;
    }

    public Span<byte> Write(Warp warp, int lane, ulong address, int bytes)
    {
        Check(lane, address, bytes);
        Access now = new(warp.ThreadOf(lane) + 1, warp.Group.Epoch, warp.Epoch);
        foreach (ref Cell cell in Cells(address, bytes))
        {
            if (cell.Writer.IsUnorderedWith(now) || (!_dropsRacingReads && cell.IsReadUnordered(now)))
                throw Race(lane, address, cell, now);
            cell.Writer = now;
            cell.WriterFences = warp.ProxyFences[lane];
        }

        return _bytes.AsSpan((int)address, bytes);
    }

    private static PtxFault Race(int lane, ulong address, Cell cell, Access now) => new(
        $"lane {lane} ({now}) races for shared memory at {address}, written by {cell.Writer}, read by {cell.FirstReader} and {cell.LastReader}");

    private void Check(int lane, ulong address, int bytes)
    {
        if (address < Program.SharedStart || address + (ulong)bytes > (ulong)_bytes.Length)
            throw new PtxFault($"lane {lane} is outside of shared memory, at {address}");
        if (address % (ulong)bytes != 0)
            throw new PtxFault($"lane {lane} accesses {bytes} bytes of shared memory at {address}, no multiple of them");
    }

    private Span<Cell> Cells(ulong address, int bytes)
    {
        int first = (int)address / CellBytes;
        return _cells.AsSpan(first, (((int)address + bytes + CellBytes - 1) / CellBytes) - first);
    }

    // Thread 0 is none; threads count from 1.
    private readonly record struct Access(int Thread, int Epoch, int WarpEpoch)
    {
        public override string ToString() => Thread == 0 ? "nobody" : $"thread {Thread - 1} after {Epoch} barriers and {WarpEpoch} of its warp";

        public int WarpIndex => (Thread - 1) / Warp.Size;

        public bool IsUnorderedWith(Access later) =>
            Thread != 0 && Thread != later.Thread && Epoch == later.Epoch && (WarpIndex != later.WarpIndex || WarpEpoch == later.WarpEpoch);
    }

    private struct Cell
    {
        public Access Writer;
        public int WriterFences;

        // One of the readers since a barrier, and the last that was another.
        public Access FirstReader;
        public Access LastReader;

        public readonly bool IsReadUnordered(Access now) => FirstReader.IsUnorderedWith(now) || LastReader.IsUnorderedWith(now);

        public void Add(Access reader)
        {
            bool isFirst = FirstReader.Thread == 0 || FirstReader.Thread == reader.Thread || FirstReader.Epoch != reader.Epoch
                || (FirstReader.WarpIndex == reader.WarpIndex && FirstReader.WarpEpoch != reader.WarpEpoch);
            if (isFirst)
                FirstReader = reader;
            else
                LastReader = reader;
        }
    }
}
