namespace GpuDistill.Kernels;

public static partial class TeacherMean
{
    /// <summary>The definition in double precision: one finished row of the store from each teacher's row of logits.</summary>
    internal static double[] Reference(IReadOnlyList<float[]> teachers, TeacherMeanKind kind, double temperature)
    {
        if (teachers.Any(row => !HasSoftmax(row)))
            return [.. teachers[0].Select(_ => double.NaN)];
        if (teachers.Count == 1)
            return [.. teachers[0].Select(z => (double)z)];
        double[][] parts = [.. teachers.Select(row => kind == TeacherMeanKind.Geometric ? ZeroMeaned(row) : LogSoftmax(row, temperature))];
        double[] result = new double[parts[0].Length];
        for (int i = 0; i < result.Length; i++)
        {
            double[] values = [.. parts.Select(part => part[i])];
            result[i] = kind == TeacherMeanKind.Geometric
                ? values.Sum() / values.Length
                : temperature * (LogSum(values) - Math.Log(values.Length));
        }

        return result;
    }

    private static bool HasSoftmax(float[] row) =>
        !row.Any(z => float.IsNaN(z) || float.IsPositiveInfinity(z)) && row.Any(z => !float.IsNegativeInfinity(z));

    private static double[] ZeroMeaned(float[] row)
    {
        double mean = row.Where(z => !float.IsNegativeInfinity(z)).Average(z => (double)z);
        return [.. row.Select(z => z - mean)];
    }

    private static double[] LogSoftmax(float[] row, double temperature)
    {
        double sum = LogSum([.. row.Select(z => z / temperature)]);
        return [.. row.Select(z => (z / temperature) - sum)];
    }

    private static double LogSum(double[] values)
    {
        double maximum = values.Max();
        return double.IsNegativeInfinity(maximum) ? maximum : maximum + Math.Log(values.Sum(x => Math.Exp(x - maximum)));
    }
}
