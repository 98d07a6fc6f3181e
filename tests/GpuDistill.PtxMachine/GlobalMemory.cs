namespace GpuDistill.PtxMachine;

/// <summary>The buffers that a kernel may touch, at their addresses in this process; any access beside them is a fault.</summary>
internal sealed unsafe class GlobalMemory
{
    // In the order of their addresses; none overlaps another.
    private readonly List<(ulong Start, ulong End)> _buffers = [];
    private (ulong Start, ulong End) _last;

    public GlobalMemory(IEnumerable<(nint Start, long Bytes)> buffers)
    {
        foreach ((ulong start, ulong end) in buffers.Select(buffer => ((ulong)buffer.Start, (ulong)buffer.Start + (ulong)buffer.Bytes)).Order())
        {
            if (_buffers.Count > 0 && start < _buffers[^1].End)
                _buffers[^1] = (_buffers[^1].Start, Math.Max(end, _buffers[^1].End)); // two views of one buffer
            else if (end > start)
                _buffers.Add((start, end));
        }
    }

    public ReadOnlySpan<byte> Read(Warp warp, int lane, ulong address, int bytes)
    {
        Span<byte> memory = At(lane, address, bytes);
        return warp.Group.Order.Read(warp, lane, address, bytes) ? memory : Nonsense.Of(bytes);
    }

    public Span<byte> Write(Warp warp, int lane, ulong address, int bytes)
    {
        Span<byte> memory = At(lane, address, bytes);
        warp.Group.Order.Write(warp, lane, address, bytes);
        return memory;
    }

    /// <summary>For an atomic.</summary>
    public Span<byte> Change(Warp warp, int lane, ulong address, int bytes)
    {
        Span<byte> memory = At(lane, address, bytes);
        warp.Group.Order.Atomic(warp, lane, address, bytes);
        return memory;
    }

    private Span<byte> At(int lane, ulong address, int bytes)
    {
        if (address % (ulong)bytes != 0)
            throw new PtxFault($"lane {lane} accesses {bytes} bytes of global memory at {address:X}, no multiple of them");
        if (address < _last.Start || address + (ulong)bytes > _last.End)
        {
            int before = _buffers.BinarySearch((address, ulong.MaxValue));
            before = (before < 0 ? ~before : before) - 1;
            if (before < 0 || address + (ulong)bytes > _buffers[before].End)
                throw new PtxFault($"lane {lane} is outside of all buffers{Nearest(address)}");
            _last = _buffers[before];
        }

        return new Span<byte>((void*)address, bytes);
    }

    private string Nearest(ulong address)
    {
        if (_buffers.Count == 0)
            return ", of which there is none";
        (ulong start, ulong end) = _buffers.MinBy(buffer => Math.Abs((long)(address - buffer.Start)));
        return $", {(long)(address - start)} bytes from the start of one that has {end - start}";
    }
}
