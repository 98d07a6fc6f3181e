namespace GpuDistill.Kernels;

/// <summary>
/// A vector of single-precision lanes, so that one source serves 128, 256 and 512 bits: generic code over
/// <typeparamref name="TSelf"/> is compiled once per width, and every member becomes one or two instructions.
/// Comparisons return lane masks (all ones or all zeros), used by <see cref="Select"/>.
/// </summary>
internal unsafe interface ISimd<TSelf>
    where TSelf : struct, ISimd<TSelf>
{
    /// <summary>The number of lanes.</summary>
    static abstract int Width { get; }

    static abstract TSelf Splat(float value);

    static abstract TSelf Load(float* source);

    static abstract void Store(TSelf value, float* target);

    /// <summary>Stores past the caches to an address that is a multiple of the vector's size; see <see cref="CpuPointer.FenceStores"/>.</summary>
    static abstract void StoreAlignedNonTemporal(TSelf value, float* target);

    /// <summary>Loads lanes below <paramref name="count"/> and reads nothing beyond them; the others get <paramref name="rest"/>.</summary>
    static abstract TSelf LoadPartial(float* source, int count, float rest);

    /// <summary>A mask of the lanes below <paramref name="count"/>.</summary>
    static abstract TSelf Below(int count);

    /// <summary>Loads four neighbours from each of <see cref="Width"/> / 4 places that are <paramref name="step"/> apart.</summary>
    static abstract TSelf LoadQuads(float* source, nint step);

    /// <summary>Stores the lanes below <paramref name="count"/> and writes nothing beyond them.</summary>
    static abstract void StorePartial(TSelf value, float* target, int count);

    /// <summary>Bytes to floats: <see cref="Width"/> bytes are read.</summary>
    static abstract TSelf LoadBytes(byte* source);

    static abstract TSelf operator +(TSelf a, TSelf b);

    static abstract TSelf operator -(TSelf a, TSelf b);

    static abstract TSelf operator *(TSelf a, TSelf b);

    static abstract TSelf operator /(TSelf a, TSelf b);

    /// <summary>a * b + c, rounded once where the hardware has a fused instruction.</summary>
    static abstract TSelf Fma(TSelf a, TSelf b, TSelf c);

    /// <summary>Lane maximum; which operand a NaN yields is not defined.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    static abstract TSelf Min(TSelf a, TSelf b);

    static abstract TSelf Abs(TSelf a);

    static abstract TSelf Sqrt(TSelf a);

    /// <summary>Nearest integer, ties to even.</summary>
    static abstract TSelf Round(TSelf a);

    /// <summary>2^n for integral n in [-126, 127].</summary>
    static abstract TSelf PowerOfTwo(TSelf n);

    static abstract TSelf Less(TSelf a, TSelf b);

    static abstract TSelf LessOrEqual(TSelf a, TSelf b);

    static abstract TSelf AreEqual(TSelf a, TSelf b);

    /// <summary>Lanes of <paramref name="a"/> where the mask is set, else of <paramref name="b"/>.</summary>
    static abstract TSelf Select(TSelf mask, TSelf a, TSelf b);

    /// <summary>Of each four lanes, the first two of both: a0 b0 a1 b1.</summary>
    static abstract TSelf InterleaveLow(TSelf a, TSelf b);

    /// <summary>Of each four lanes, the last two of both: a2 b2 a3 b3.</summary>
    static abstract TSelf InterleaveHigh(TSelf a, TSelf b);

    /// <summary>Sum of the lanes, pairwise, in a fixed order.</summary>
    static abstract float Sum(TSelf a);

    /// <summary>The largest lane.</summary>
    static abstract float HorizontalMax(TSelf a);

    /// <summary>A mask of the lanes whose word is at least <paramref name="limit"/>, unsigned; <see cref="Width"/> words are read.</summary>
    static abstract TSelf AtLeast(uint* words, uint limit);

    /// <summary>Random words to uniform numbers in [0, 1): the upper 24 bits, as in <see cref="Philox.Uniform"/>.</summary>
    static abstract TSelf LoadUniform(uint* source);

    /// <summary>a * 2^n for integral n from -200; below 2^-126 the result is denormal or 0, far below it 0.</summary>
    static abstract TSelf Scale(TSelf a, TSelf n);

    /// <summary>The same word of bits in all lanes.</summary>
    static abstract TSelf SplatBits(uint bits);

    /// <summary>Words of 16 bits, in the lower halves of the lanes; <see cref="Width"/> are read.</summary>
    static abstract TSelf LoadShorts(ushort* source);

    /// <summary>Stores the lower halves of the lanes.</summary>
    static abstract void StoreShorts(TSelf value, ushort* target);

    /// <summary>Loads lanes below <paramref name="count"/> and reads nothing beyond them; the others get 0.</summary>
    static abstract TSelf LoadShortsPartial(ushort* source, int count);

    /// <summary>Stores the lower halves of the lanes below <paramref name="count"/> and writes nothing beyond them.</summary>
    static abstract void StoreShortsPartial(TSelf value, ushort* target, int count);

    static abstract TSelf operator &(TSelf a, TSelf b);

    static abstract TSelf operator |(TSelf a, TSelf b);

    static abstract TSelf operator <<(TSelf a, int count);

    static abstract TSelf operator >>>(TSelf a, int count);

    /// <summary>The sum of the lanes taken as integers.</summary>
    static abstract TSelf AddBits(TSelf a, TSelf b);

    /// <summary>A mask of the lanes where a is less, both taken as signed integers.</summary>
    static abstract TSelf LessBits(TSelf a, TSelf b);
}
