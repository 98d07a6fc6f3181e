namespace GpuDistill.TestKit;

/// <summary>Seeded inputs that mean something: peaky logits, extreme ones, -infinity in places.</summary>
public static class TestData
{
    /// <summary>Logits of a trained model: noise of a few units and one class per row well above the rest.</summary>
    public static float[] PeakyLogits(int rows, int columns, int seed)
    {
        Random random = new(seed);
        float[] logits = Uniform(random, rows * columns, 4);
        for (int row = 0; row < rows; row++)
            logits[(row * columns) + random.Next(columns)] += 8;
        return logits;
    }

    /// <summary>Logits of up to +-1e4, with -infinity in about a tenth of the places but never in a whole row.</summary>
    public static float[] ExtremeLogits(int rows, int columns, int seed)
    {
        Random random = new(seed);
        float[] logits = Uniform(random, rows * columns, 1e4f);
        for (int row = 0; row < rows; row++)
        {
            int kept = random.Next(columns);
            for (int column = 0; column < columns; column++)
            {
                if (column != kept && random.Next(10) == 0)
                    logits[(row * columns) + column] = float.NegativeInfinity;
            }
        }

        return logits;
    }

    /// <summary>Values from -range to range.</summary>
    public static float[] Uniform(int count, float range, int seed) => Uniform(new Random(seed), count, range);

    private static float[] Uniform(Random random, int count, float range)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = ((2 * random.NextSingle()) - 1) * range;
        return values;
    }
}
