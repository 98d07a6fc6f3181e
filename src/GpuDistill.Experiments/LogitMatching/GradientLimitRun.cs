using System.Globalization;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Experiments;

/// <summary>
/// How far the gradient of distillation, as the kernel computes it, is from its limit at high temperature: the length of
/// g - (z' - v') / (C T^2) over that of the limit, over all training images, z' and v' being zero-meaned per case.
/// </summary>
internal sealed class GradientLimitRun : Run
{
    /// <summary>The network whose logits are z.</summary>
    public required TrainingRun Student { get; init; }

    /// <summary>The network whose logits are v.</summary>
    public required TrainingRun Teacher { get; init; }

    public required IReadOnlyList<float> Temperatures { get; init; }

    public override IReadOnlyList<TrainingRun> Needs => [Student, Teacher];

    public override double Work => 1e10;

    public override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["temperatures"] = string.Join(", ", Temperatures.Select(temperature => temperature.ToString(CultureInfo.InvariantCulture))),
    };

    /// <summary>The name of the distance at one temperature.</summary>
    public static string Distance(float temperature) => FormattableString.Invariant($"distanceAtT{temperature}");

    public override IReadOnlyDictionary<string, double> Do(Workshop workshop)
    {
        TeacherLogits student = workshop.Logits([Student]);
        TeacherLogits teacher = workshop.Logits([Teacher]);
        DistillDevice device = workshop.Device;
        using MemoryBuffer1D<float, Stride1D.Dense> buffer = device.Accelerator.Allocate1D<float>((long)student.Rows * student.Classes);
        double[] limit = Limit(student.ToHost(), teacher.ToHost(), student.Classes);
        double length = Math.Sqrt(limit.Sum(value => value * value));
        Dictionary<string, double> measures = [];
        float[] gradient = new float[limit.Length];
        foreach (float temperature in Temperatures)
        {
            workshop.Cancellation.ThrowIfCancellationRequested();
            using Launch loss = DistillationLoss.Bind(
                device.Kernels,
                new DistillationInputs<float> { Student = student.Logits, Teacher = teacher.Logits },
                new DistillationOutputs<float> { Gradient = new Matrix<float>(buffer.View, student.Rows, student.Classes) },
                new DistillationOptions
                {
                    Temperature = temperature,
                    SoftWeight = 1,
                    HardWeight = 0,
                    ScaleByTemperatureSquared = false,
                    Reduction = Reduction.Sum,
                });
            loss.Run(device.Stream);
            buffer.View.BaseView.CopyToCPU(device.Stream, gradient);
            device.Stream.Synchronize();
            double square = (double)temperature * temperature;
            double distance = Math.Sqrt(gradient.Zip(limit, (g, l) => Math.Pow((g * square) - l, 2)).Sum());
            measures[Distance(temperature)] = distance / length;
        }

        return measures;
    }

    // (z' - v') / C; the division by T^2 is done on the other side.
    private static double[] Limit(float[] student, float[] teacher, int classes)
    {
        double[] limit = new double[student.Length];
        for (int row = 0; row < student.Length; row += classes)
        {
            double mean = 0;
            for (int i = row; i < row + classes; i++)
                mean += ((double)student[i] - teacher[i]) / classes;
            for (int i = row; i < row + classes; i++)
                limit[i] = ((double)student[i] - teacher[i] - mean) / classes;
        }

        return limit;
    }
}
