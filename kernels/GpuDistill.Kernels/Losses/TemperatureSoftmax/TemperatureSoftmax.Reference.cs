namespace GpuDistill.Kernels;

public static partial class TemperatureSoftmax
{
    /// <summary>The definition in double precision, one row, shared with no kernel.</summary>
    internal static double[] Reference(ReadOnlySpan<float> logits, double temperature, bool log = false)
    {
        double maximum = double.NegativeInfinity;
        foreach (float z in logits)
            maximum = Math.Max(maximum, z);
        double sum = 0;
        foreach (float z in logits)
            sum += Math.Exp((z - maximum) / temperature);
        double[] result = new double[logits.Length];
        for (int i = 0; i < result.Length; i++)
        {
            double x = (logits[i] - maximum) / temperature;
            result[i] = log ? x - Math.Log(sum) : Math.Exp(x) / sum;
        }

        return result;
    }
}
