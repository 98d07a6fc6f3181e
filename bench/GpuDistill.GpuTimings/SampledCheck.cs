namespace GpuDistill.GpuTimings;

/// <summary>
/// Compares some elements of a product with the same sums in double precision: those in the corners, where tiles end, and some between.
/// </summary>
internal static class SampledCheck
{
    private const int Elements = 64;

    // One rounding per term of a sum in single precision, relative to the terms' absolute values.
    private const double Epsilon = 1.0 / (1 << 23);

    /// <param name="rows">Rows of the result.</param>
    /// <param name="columns">Columns of the result.</param>
    /// <param name="terms">Products per sum.</param>
    /// <param name="productError">What each product may be off, relative to itself, because its factors were rounded; 0 for none.</param>
    /// <param name="unit">What rounding the result to its type may change, relative to it.</param>
    /// <param name="term">A product's value, by row, column and number.</param>
    /// <param name="finish">What a sum becomes in the result, by row, column and sum.</param>
    /// <param name="actual">The result's element.</param>
    /// <exception cref="InvalidOperationException">An element is wrong; the message says which.</exception>
    public static void Of(
        int rows,
        int columns,
        int terms,
        double productError,
        double unit,
        Func<int, int, int, double> term,
        Func<int, int, double, double> finish,
        Func<int, int, double> actual)
    {
        Random random = new(5);
        for (int i = 0; i < Elements; i++)
        {
            int row = i < 4 ? i / 2 * (rows - 1) : random.Next(rows);
            int column = i < 4 ? i % 2 * (columns - 1) : random.Next(columns);
            double sum = 0;
            double magnitude = 0;
            for (int p = 0; p < terms; p++)
            {
                double value = term(row, column, p);
                sum += value;
                magnitude += Math.Abs(value);
            }

            double expected = finish(row, column, sum);
            double allowed = (magnitude * ((terms * Epsilon) + productError)) + (Math.Abs(expected) * (unit + Epsilon));
            double found = actual(row, column);
            if (!(Math.Abs(found - expected) <= allowed)) // true for NaN
                throw new InvalidOperationException($"element ({row}, {column}) is {found:G9}, not {expected:G9}; allowed {allowed:G3}");
        }
    }

    /// <summary>Values from -1 to 1.</summary>
    public static float[] Values(int count, int seed)
    {
        Random random = new(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (2 * random.NextSingle()) - 1;
        return values;
    }
}
