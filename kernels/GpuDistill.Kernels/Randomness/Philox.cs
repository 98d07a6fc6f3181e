namespace GpuDistill.Kernels;

/// <summary>
/// The counter-based generator Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011), for host and device code alike. A draw is a pure function of key and counter; nothing is stored.
/// </summary>
/// <remarks>
/// Numbers belong to the elements of a matrix: key = seed; counter = (column counter, row, step, stream). A counter yields four
/// words, and blocks of 64 neighbouring columns share 16 counters so that SIMD lanes need no transposition: the element of
/// column c takes word (c / 16) % 4 of the counter (c / 64) * 16 + c % 16.
/// </remarks>
internal static class Philox
{
    public const uint Multiplier0 = 0xD2511F53;
    public const uint Multiplier1 = 0xCD9E8D57;
    public const uint Weyl0 = 0x9E3779B9;
    public const uint Weyl1 = 0xBB67AE85;
    public const int Rounds = 10;

    /// <summary>2^-24: turns the upper 24 bits of a word into a number in [0, 1).</summary>
    public const float UnitScale = 1.0f / (1 << 24);

    /// <summary>Ten rounds on a counter of four words under a key of two.</summary>
    public static Words Draw(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (int round = 0; round < Rounds; round++)
        {
            ulong p0 = (ulong)Multiplier0 * c0;
            ulong p1 = (ulong)Multiplier1 * c2;
            c0 = (uint)(p1 >> 32) ^ c1 ^ k0;
            c1 = (uint)p1;
            c2 = (uint)(p0 >> 32) ^ c3 ^ k1;
            c3 = (uint)p0;
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return new Words { W0 = c0, W1 = c1, W2 = c2, W3 = c3 };
    }

    /// <summary>The random word of a matrix element.</summary>
    public static uint Word(ulong seed, uint stream, long step, uint row, uint column) =>
        Select(Draw(seed, stream, step, row, column), column);

    /// <summary>The four words of the counter that an element's word is of; its neighbours at a distance of 16 in a block of 64 share them.</summary>
    public static Words Draw(ulong seed, uint stream, long step, uint row, uint column) =>
        Draw(((column / 64) * 16) + (column % 16), row, (uint)step, stream, (uint)seed, (uint)(seed >> 32));

    /// <summary>The word of an element among those of its counter.</summary>
    public static uint Select(Words words, uint column)
    {
        uint word = (column / 16) % 4;
        uint low = word == 0 ? words.W0 : words.W1;
        uint high = word == 2 ? words.W2 : words.W3;
        return word < 2 ? low : high;
    }

    /// <summary>The uniform number in [0, 1) of a matrix element.</summary>
    public static float Uniform(ulong seed, uint stream, long step, uint row, uint column) =>
        ToUniform(Word(seed, stream, step, row, column));

    /// <summary>The uniform number in [0, 1) of a random word.</summary>
    /// <remarks>From int, since C# makes a float of a uint by way of double precision.</remarks>
    public static float ToUniform(uint word) => (int)(word >> 8) * UnitScale;

    /// <summary>The four words that one counter yields.</summary>
    internal struct Words
    {
        public uint W0;
        public uint W1;
        public uint W2;
        public uint W3;
    }
}
