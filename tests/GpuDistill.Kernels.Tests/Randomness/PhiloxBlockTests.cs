using Xunit;

namespace GpuDistill.Kernels.Tests.Randomness;

public unsafe class PhiloxBlockTests
{
    private delegate void Filler(uint* words, ulong seed, uint stream, long step, uint row, uint block);

    [Fact]
    public void The_widest_vectors_give_the_words() => CheckAll(PhiloxBlock.Fill);

    [Fact]
    public void Vectors_of_512_bits_give_the_words() => CheckAll(PhiloxBlock.Fill<Simd512>);

    [Fact]
    public void Vectors_of_256_bits_give_the_words() => CheckAll(PhiloxBlock.Fill<Simd256>);

    [Fact]
    public void Vectors_of_128_bits_give_the_words() => CheckAll(PhiloxBlock.Fill<Simd128>);

    [Fact]
    public void Scalars_give_the_words() => CheckAll(PhiloxBlock.Scalars);

    private static void CheckAll(Filler fill)
    {
        foreach (ulong seed in (ulong[])[0, 1, 0xFEDCBA9876543210, ulong.MaxValue])
        {
            foreach ((uint stream, long step, uint row, uint block) in
                ((uint, long, uint, uint)[])[(0, 0, 0, 0), (3, 1, 2, 1), (17, (1L << 32) + 5, uint.MaxValue, 18), (uint.MaxValue, -1, 1u << 31, 1999)])
            {
                Check(fill, seed, stream, step, row, block);
            }
        }
    }

    private static void Check(Filler fill, ulong seed, uint stream, long step, uint row, uint block)
    {
        const int Guard = 16;
        const uint Untouched = 0xA5A5A5A5;
        uint[] words = new uint[PhiloxBlock.Columns + (2 * Guard)];
        Array.Fill(words, Untouched);
        fixed (uint* start = words)
            fill(start + Guard, seed, stream, step, row, block);
        for (int i = 0; i < words.Length; i++)
        {
            int column = i - Guard;
            bool inside = column is >= 0 and < PhiloxBlock.Columns;
            uint expected = inside ? Philox.Word(seed, stream, step, row, (block * PhiloxBlock.Columns) + (uint)column) : Untouched;
            Assert.True(expected == words[i], $"seed {seed}, stream {stream}, step {step}, row {row}, block {block}, column {column}");
        }
    }
}
