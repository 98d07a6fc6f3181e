namespace GpuDistill.Kernels;

public static partial class LogitMatching
{
    /// <summary>The definition in double precision: loss and gradient of one valid row, unweighted.</summary>
    internal static (double Loss, double[] Gradient) Reference(double[] student, double[] teacher, bool zeroMean)
    {
        int[] kept = [.. Enumerable.Range(0, student.Length).Where(i => double.IsFinite(student[i]) && double.IsFinite(teacher[i]))];
        double studentMean = zeroMean ? kept.Average(i => student[i]) : 0;
        double teacherMean = zeroMean ? kept.Average(i => teacher[i]) : 0;
        double loss = 0;
        double[] gradient = new double[student.Length];
        foreach (int i in kept)
        {
            double difference = (student[i] - studentMean) - (teacher[i] - teacherMean);
            loss += difference * difference / (2 * kept.Length);
            gradient[i] = difference / kept.Length;
        }

        return (loss, gradient);
    }
}
