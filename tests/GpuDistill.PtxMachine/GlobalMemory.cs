namespace GpuDistill.PtxMachine;

/// <summary>The buffers that a kernel was given, at their addresses in this process; any access beside them is a fault.</summary>
internal sealed unsafe class GlobalMemory
{
    private readonly (ulong Start, ulong End)[] _buffers;
    private int _last;

    public GlobalMemory(IEnumerable<(nint Start, long Bytes)> buffers) =>
        _buffers = [.. buffers.Where(buffer => buffer.Bytes > 0).Select(buffer => ((ulong)buffer.Start, (ulong)buffer.Start + (ulong)buffer.Bytes))];

    public Span<byte> At(int lane, ulong address, int bytes)
    {
        if (address % (ulong)bytes != 0)
            throw new PtxFault($"lane {lane} accesses {bytes} bytes of global memory at {address:X}, no multiple of them");
        for (int i = 0; i < _buffers.Length; i++)
        {
            int buffer = (_last + i) % _buffers.Length;
            if (address >= _buffers[buffer].Start && address + (ulong)bytes <= _buffers[buffer].End)
            {
                _last = buffer;
                return new Span<byte>((void*)address, bytes);
            }
        }

        throw new PtxFault($"lane {lane} is outside of all buffers: {string.Join(", ", _buffers.Select(b => $"{(long)(address - b.Start)} from one of {b.End - b.Start} bytes"))}");
    }
}
