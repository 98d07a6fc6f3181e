using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: elements of a matrix in the quads, of 16 bytes each, of a panel in shared memory. Implementations are empty structs.
/// </summary>
internal interface IPanelElement<T>
    where T : unmanaged
{
    /// <summary>Elements of a quad.</summary>
    int PerQuad { get; }

    /// <summary>Four neighbouring elements in single precision; <paramref name="four"/> counts fours from the first quad on.</summary>
    Quad Four(ArrayView<Quad> quads, int four);

    /// <summary>Copies one element, or zero where there is none. What it starts is waited for as an asynchronous copy, or done.</summary>
    void CopyOne(ArrayView<Quad> target, int place, ArrayView<T> source, long index, bool has);
}

/// <summary>Single precision: four in a quad.</summary>
internal readonly struct FloatElement : IPanelElement<float>
{
    public int PerQuad => 4;

    public Quad Four(ArrayView<Quad> quads, int four) => quads[four];

    public void CopyOne(ArrayView<Quad> target, int place, ArrayView<float> source, long index, bool has) =>
        AsyncCopy.OneFloat(ref target.Cast<float>()[place], ref source[has ? index : 0], has ? sizeof(float) : 0);
}

/// <summary>bf16: eight in a quad, two in each of its words.</summary>
internal readonly struct BFloat16Element : IPanelElement<ushort>
{
    public int PerQuad => 8;

    public Quad Four(ArrayView<Quad> quads, int four)
    {
        WordPair words = quads.Cast<WordPair>()[four];
        return new Quad
        {
            X = Interop.IntAsFloat(words.Low << 16),
            Y = Interop.IntAsFloat(words.Low & 0xFFFF0000),
            Z = Interop.IntAsFloat(words.High << 16),
            W = Interop.IntAsFloat(words.High & 0xFFFF0000),
        };
    }

    // No asynchronous copy is as short as this.
    public void CopyOne(ArrayView<Quad> target, int place, ArrayView<ushort> source, long index, bool has)
    {
        ushort bits = 0;
        if (has)
            bits = source[index];
        target.Cast<ushort>()[place] = bits;
    }

    // Four elements, one access. A device struct.
    private readonly struct WordPair(uint low, uint high)
    {
        public readonly uint Low = low;
        public readonly uint High = high;
    }
}
