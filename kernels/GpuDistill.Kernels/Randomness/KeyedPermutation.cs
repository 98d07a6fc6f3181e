namespace GpuDistill.Kernels;

/// <summary>
/// A pseudo-random permutation of 0 to n - 1 that is evaluated per element and needs no memory, for host and device code
/// alike: an unbalanced Feistel network over the smallest power of two that holds n, with cycle walking (Black and Rogaway,
/// "Ciphers with arbitrary finite domains", CT-RSA 2002; as a shuffle: Mitchell, Stokes, Frank and Holmes,
/// "Bandwidth-optimal random shuffling for GPUs", 2021). Rounds come in passes of eight keys from <see cref="Philox"/>: one
/// pass, or four for small n, where half of a number has so few bits that one pass reaches some orders more often than others.
/// </summary>
/// <remarks>
/// The domain is below 2n, so a value outside is sent on less than once on average. The round function is a 32-bit integer
/// hash of two multiplications (Wellons' "hash prospector", constants by TheIronBorn): statistical quality is what counts
/// here, not secrecy.
/// </remarks>
internal struct KeyedPermutation
{
    private const int SmallBits = 8;
    private const int SmallPasses = 4;

    private uint _count;
    private int _passes;
    private uint _highMask;
    private uint _lowMask;
    private int _lowBits;
    private uint _key0;
    private uint _key1;
    private uint _key2;
    private uint _key3;
    private uint _key4;
    private uint _key5;
    private uint _key6;
    private uint _key7;

    /// <summary>The permutation that belongs to a seed, a stream and a number such as the epoch's.</summary>
    /// <param name="seed">The key.</param>
    /// <param name="stream">What the permutation is for.</param>
    /// <param name="number">Which of the permutations of this seed and stream.</param>
    /// <param name="count">n, from 1 to 2^31 - 1.</param>
    public static KeyedPermutation Create(ulong seed, uint stream, long number, int count)
    {
        int bits = 0;
        while ((1L << bits) < count)
            bits++;
        int lowBits = bits - (bits / 2);
        Philox.Words first = Philox.Draw(0, 0, (uint)number, stream, (uint)seed, (uint)(seed >> 32));
        Philox.Words second = Philox.Draw(1, 0, (uint)number, stream, (uint)seed, (uint)(seed >> 32));
        return new KeyedPermutation
        {
            _count = (uint)count,
            _passes = bits <= SmallBits ? SmallPasses : 1,
            _highMask = (1u << (bits / 2)) - 1,
            _lowMask = (1u << lowBits) - 1,
            _lowBits = lowBits,
            _key0 = first.W0,
            _key1 = first.W1,
            _key2 = first.W2,
            _key3 = first.W3,
            _key4 = second.W0,
            _key5 = second.W1,
            _key6 = second.W2,
            _key7 = second.W3,
        };
    }

    /// <summary>Where <paramref name="index"/>, from 0 to n - 1, goes.</summary>
    public readonly int At(int index)
    {
        uint x = (uint)index;
        do
        {
            uint high = x >> _lowBits;
            uint low = x & _lowMask;
            uint tweak = 0;
            for (int pass = 0; pass < _passes; pass++)
            {
                low ^= Mix(high ^ (_key0 + tweak)) & _lowMask;
                high ^= Mix(low ^ (_key1 + tweak)) & _highMask;
                low ^= Mix(high ^ (_key2 + tweak)) & _lowMask;
                high ^= Mix(low ^ (_key3 + tweak)) & _highMask;
                low ^= Mix(high ^ (_key4 + tweak)) & _lowMask;
                high ^= Mix(low ^ (_key5 + tweak)) & _highMask;
                low ^= Mix(high ^ (_key6 + tweak)) & _lowMask;
                high ^= Mix(low ^ (_key7 + tweak)) & _highMask;
                tweak += Philox.Weyl0;
            }

            x = (high << _lowBits) | low;
        }
        while (x >= _count);

        return (int)x;
    }

    private static uint Mix(uint x)
    {
        x ^= x >> 16;
        x *= 0x21F0AAAD;
        x ^= x >> 15;
        x *= 0xD35A2D97;
        return x ^ (x >> 15);
    }
}
