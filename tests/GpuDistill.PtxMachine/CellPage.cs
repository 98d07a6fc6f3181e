namespace GpuDistill.PtxMachine;

/// <summary>A stretch of memory, in cells as large as the smallest access to it so far.</summary>
internal sealed class CellPage<TCell>
    where TCell : struct
{
    public const int Bytes = 2048;

    private const int LargestCell = 16;

    private TCell[] _cells = new TCell[Bytes / LargestCell];
    private int _cellBytes = LargestCell;

    /// <summary>The cells of an access, which begins at a multiple of its bytes and so lies within a page.</summary>
    public Span<TCell> At(int offset, int bytes)
    {
        if (bytes < _cellBytes)
        {
            TCell[] large = _cells;
            int parts = _cellBytes / bytes;
            _cells = new TCell[large.Length * parts];
            for (int i = 0; i < _cells.Length; i++)
                _cells[i] = large[i / parts];
            _cellBytes = bytes;
        }

        return _cells.AsSpan(offset / _cellBytes, bytes / _cellBytes);
    }
}

/// <summary>Who wrote a cell, and who has read it since.</summary>
internal struct Accesses
{
    public Stamp Writer;

    // One of the readers, and the last that was another.
    public Stamp FirstReader;
    public Stamp LastReader;

    public void Read(Stamp reader)
    {
        if (!FirstReader.IsSet || (FirstReader.Group == reader.Group && FirstReader.IsBefore(reader)))
            FirstReader = reader;
        else
            LastReader = reader;
    }

    public override readonly string ToString() => $"written by {Writer}, read by {FirstReader} and {LastReader}";
}
