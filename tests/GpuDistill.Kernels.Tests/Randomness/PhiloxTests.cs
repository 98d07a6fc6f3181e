using Xunit;

namespace GpuDistill.Kernels.Tests.Randomness;

public class PhiloxTests
{
    // Known answers of the authors' Random123 library, file kat_vectors, philox4x32 with 10 rounds.
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Gives_the_published_answers(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint w0, uint w1, uint w2, uint w3)
    {
        Philox.Words words = Philox.Draw(c0, c1, c2, c3, k0, k1);
        Assert.Equal((w0, w1, w2, w3), (words.W0, words.W1, words.W2, words.W3));
    }

    [Fact]
    public void Columns_map_to_words_as_documented()
    {
        for (uint column = 0; column < 200; column++)
        {
            Philox.Words drawn = Philox.Draw((column / 64 * 16) + (column % 16), 7, 5, 3, 0x89ABCDEF, 0x01234567);
            uint[] words = [drawn.W0, drawn.W1, drawn.W2, drawn.W3];
            Assert.Equal(words[column / 16 % 4], Philox.Word(0x0123456789ABCDEF, 3, 5, 7, column));
        }
    }

    [Fact]
    public void Uniform_numbers_lie_below_one_and_fill_the_interval()
    {
        const int Count = 160_000;
        int[] bins = new int[16];
        for (uint column = 0; column < Count; column++)
        {
            float u = Philox.Uniform(1, 2, 3, 4, column);
            Assert.InRange(u, 0, 1 - (1.0f / (1 << 24)));
            bins[(int)(u * bins.Length)]++;
        }

        // 15 degrees of freedom: above 50 once in 10^5 seeds.
        double expected = (double)Count / bins.Length;
        Assert.True(bins.Sum(b => (b - expected) * (b - expected) / expected) < 50);
    }
}
