namespace GpuDistill.Kernels;

/// <summary>
/// Device code: where a product of a warpgroup finds an operand in shared memory (PTX ISA, "Matrix Descriptor Format"; the fields also in
/// CUTLASS, <c>cute/arch/mma_sm90_desc.hpp</c>): lines of 128 bytes, eight to a block of 1024 bytes, whose quads are exchanged by the
/// line's number. Addresses and distances are counted in 16 bytes.
/// </summary>
internal static class PanelDescriptor
{
    /// <summary>Quads of a line.</summary>
    public const int LineQuads = 8;

    public const int LineBytes = LineQuads * AsyncCopy.QuadBytes;

    /// <summary>Where blocks of lines begin: at multiples of so many bytes, since lines are exchanged by bits of the address.</summary>
    public const int Alignment = 8 * LineBytes;

    private const ulong ExchangedLines = 1ul << 62;

    /// <param name="address">Where the operand begins.</param>
    /// <param name="leading">
    /// Across terms, bytes from a line of 64 rows to the line of the next 64 rows. Along terms it has no meaning, and is one quad by custom.
    /// </param>
    /// <param name="stride">Bytes from eight lines to the next eight: along terms of the next rows, across of the next terms.</param>
    public static ulong Of(uint address, uint leading, uint stride) =>
        Field(address) | (Field(leading) << 16) | (Field(stride) << 32) | ExchangedLines;

    /// <summary>The same further on, by bytes.</summary>
    public static ulong Further(ulong descriptor, uint bytes) => descriptor + Field(bytes);

    // 14 bits.
    private static ulong Field(uint bytes) => (bytes & 0x3FFFF) >> 4;
}
