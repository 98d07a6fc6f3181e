namespace GpuDistill.Kernels;

public static partial class BatchGather
{
    /// <summary>A batch in double precision.</summary>
    internal sealed record ReferenceBatch(double[] Images, int[] Rows, int[] Labels);

    /// <summary>The definition: one step's batch of <paramref name="size"/> images.</summary>
    internal static ReferenceBatch Reference(
        ReadOnlySpan<byte> pixels, int height, int width, int[] labels, int[] subset, int size, long step, BatchOptions options)
    {
        int columns = height * width;
        int count = subset.Length > 0 ? subset.Length : pixels.Length / columns;
        ReferenceBatch batch = new(new double[size * columns], new int[size], new int[size]);
        for (int i = 0; i < size; i++)
        {
            long number = (step * size) + i;
            batch.Rows[i] = -1;
            batch.Labels[i] = -100;
            if (number < 0 || (!options.Wrap && number >= count))
                continue;
            int place = (int)(number % count);
            if (options.Shuffle)
                place = ReferencePermutation(options.Seed, number / count, count, place);
            int row = subset.Length > 0 ? subset[place] : place;
            batch.Rows[i] = row;
            if (labels.Length > 0)
                batch.Labels[i] = labels[row];

            // floor(u (2J + 1)) for u = word / 2^32 in [0, 1)
            int dx = (int)Math.Floor(Philox.Word(options.Seed, 2, step, (uint)i, 0) / 4294967296.0 * ((2 * options.Jitter) + 1)) - options.Jitter;
            int dy = (int)Math.Floor(Philox.Word(options.Seed, 2, step, (uint)i, 16) / 4294967296.0 * ((2 * options.Jitter) + 1)) - options.Jitter;
            for (int column = 0; column < columns; column++)
            {
                int y = (column / width) - dy;
                int x = (column % width) - dx;
                bool inside = x >= 0 && x < width && y >= 0 && y < height;
                bool kept = Philox.Uniform(options.Seed, 3, step, (uint)i, (uint)column) >= options.InputDropout;
                if (inside && kept)
                    batch.Images[(i * columns) + column] = pixels[(row * columns) + (y * width) + x] / 255.0 / (1 - (double)options.InputDropout);
            }
        }

        return batch;
    }

    // The Feistel network in plain words: split the number in two digits, add a hash of the one to the other bit by bit,
    // eight times in turn (32 times up to 8 bits), and go on until the result is below n.
    private static int ReferencePermutation(ulong seed, long epoch, int n, int place)
    {
        int bits = (int)Math.Ceiling(Math.Log2(n));
        ulong lowSize = 1UL << ((bits + 1) / 2);
        ulong highSize = 1UL << (bits / 2);
        ulong value = (ulong)place;
        do
        {
            ulong high = value / lowSize;
            ulong low = value % lowSize;
            for (uint round = 0; round < (bits > 8 ? 8 : 32); round++)
            {
                // Key r is word r % 4 of counter r / 4, for r below 8; each further eight rounds add 2^32 / golden ratio.
                uint key = Philox.Word(seed, 1, epoch, 0, (round % 4 * 16) + (round % 8 / 4)) + (round / 8 * 2654435769);
                if (round % 2 == 0)
                    low ^= ReferenceHash(high ^ key) % lowSize;
                else
                    high ^= ReferenceHash(low ^ key) % highSize;
            }

            value = (high * lowSize) + low;
        }
        while (value >= (ulong)n);

        return (int)value;
    }

    private static ulong ReferenceHash(ulong x)
    {
        x ^= x / 65536;
        x = x * 569420461 % 4294967296;
        x ^= x / 32768;
        x = x * 3545902487 % 4294967296;
        return x ^ (x / 32768);
    }
}
