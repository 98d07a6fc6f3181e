using GpuDistill.Kernels;

namespace GpuDistill;

/// <summary>Random orders of rows on the host: Fisher and Yates, on the library's own generator so that a seed means one order everywhere.</summary>
internal static class RowShuffle
{
    // Kept apart from the streams that training draws from under the same seed.
    private const uint Stream = 0x524F5753;

    /// <summary>0 to <paramref name="count"/> - 1 in random order.</summary>
    public static int[] Rows(int count, ulong seed)
    {
        int[] rows = new int[count];
        for (int i = 0; i < count; i++)
            rows[i] = i;
        for (int i = count - 1; i > 0; i--)
        {
            // A 64-bit product's upper half: uniform to within count / 2^64.
            Philox.Words words = Philox.Draw((uint)i, 0, 0, Stream, (uint)seed, (uint)(seed >> 32));
            int other = (int)Math.BigMul(((ulong)words.W1 << 32) | words.W0, (ulong)i + 1, out _);
            (rows[i], rows[other]) = (rows[other], rows[i]);
        }

        return rows;
    }
}
