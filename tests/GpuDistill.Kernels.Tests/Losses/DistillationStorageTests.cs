using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>Logits of 16 bits: computed in single precision from what is in memory, the gradient rounded once.</summary>
public class DistillationStorageTests
{
    public static TheoryData<string, KernelVariant> Variants =>
    [
        .. TestDevices.VariantsWithCuda,
        new("cpu-256", KernelVariant.Cuda) { Traits = { [TestDevices.DeviceTrait] = ["cpu-256"] } },
    ];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Half_logits_match_the_reference_of_the_rounded_logits(string device, KernelVariant variant) =>
        Check(TestDevices.Get(device, variant), value => (Half)value, value => (float)value, new Tolerance(
            Math.Pow(2, -25), Math.Pow(2, -11), "one rounding of the gradient to 11 bits, or to a multiple of 2^-24 where it is subnormal"));

    [Theory]
    [MemberData(nameof(Variants))]
    public void BFloat16_logits_match_the_reference_of_the_rounded_logits(string device, KernelVariant variant) =>
        Check(TestDevices.Get(device, variant), value => (BFloat16)value, value => (float)value, new Tolerance(
            0, Math.Pow(2, -8), "one rounding of the gradient to 8 bits"));

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_half_of_ILGPU_has_the_same_bits_and_is_taken_too(string device, KernelVariant variant) =>
        Check(TestDevices.Get(device, variant), value => (ILGPU.Half)value, value => (float)value, new Tolerance(
            Math.Pow(2, -25), Math.Pow(2, -11), "one rounding of the gradient to 11 bits, or to a multiple of 2^-24 where it is subnormal"));

    [Fact]
    public void BFloat16_rounds_to_the_nearest_and_to_even_in_ties()
    {
        Random random = new(7);
        for (int i = 0; i < 200_000; i++)
        {
            float value = BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32));
            if (i % 2 == 0) // ties
                value = BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(value) & 0xFFFF8000) | 0x8000u);
            float near = (float)(BFloat16)value;
            if (!float.IsFinite(value))
            {
                Assert.Equal(value, near);
                continue;
            }

            double error = Math.Abs((double)value - near);
            uint bits = BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000;
            double down = Math.Abs((double)value - BitConverter.UInt32BitsToSingle(bits));
            double unit = down + Math.Abs((double)value - BitConverter.UInt32BitsToSingle(bits + 0x10000));
            Assert.True(float.IsInfinity(near) || error <= Math.Min(down, unit - down));
        }

        Assert.Equal((1f, 1.015625f), ((float)(BFloat16)1.00390625f, (float)(BFloat16)1.01171875f));
    }

    private static void Check<T>(KernelContext context, Func<float, T> round, Func<T, float> widen, Tolerance rounding)
        where T : unmanaged
    {
        foreach ((int rows, int columns) in ((int, int)[])[(7, 2), (9, 10), (5, 16), (4, 37), (3, 260), (2, 4100)])
        {
            foreach (DistillationOptions options in (DistillationOptions[])[new(), new() { Temperature = 100, LabelSmoothing = 0.1f }])
            {
                LossCase plain = LossCase.Peaky(rows, columns) with { Options = options };
                LossCase test = plain with
                {
                    Student = [.. plain.Student.Select(value => widen(round(value)))],
                    Teacher = [.. plain.Teacher.Select(value => widen(round(value)))],
                };
                DistillationLoss.Reference.Batch expected = test.Reference();
                double scale = (double)options.Temperature * options.Temperature;
                foreach (bool inPlace in (bool[])[false, true])
                {
                    (T[] gradient, float[] soft, float[] hard) = Run(context, test, round, inPlace);
                    for (int row = 0; row < rows; row++)
                    {
                        Tolerance.RowLoss.Check(expected.Rows[row].Soft, soft[row], scale + expected.Rows[row].Soft, $"soft loss of row {row}");
                        Tolerance.RowLoss.Check(expected.Rows[row].Hard, hard[row], 1 + expected.Rows[row].Hard, $"hard loss of row {row}");
                        double floor = 0.01 * expected.GradientSize.AsSpan(row * columns, columns).ToArray().Max();
                        for (int i = row * columns; i < (row + 1) * columns; i++)
                        {
                            double arithmetic = Tolerance.LossGradient.Relative * (expected.GradientSize[i] + floor);
                            (rounding with { Absolute = rounding.Absolute + (2 * arithmetic) }).Check(
                                expected.Gradient[i], widen(gradient[i]), $"[{rows} x {columns}], {options}, gradient {i}");
                        }
                    }
                }
            }
        }
    }

    private static (T[] Gradient, float[] Soft, float[] Hard) Run<T>(KernelContext context, LossCase test, Func<float, T> round, bool inPlace)
        where T : unmanaged
    {
        using GuardedBuffer<T> student = new(context, [.. test.Student.Select(round)]);
        using GuardedBuffer<T> teacher = new(context, [.. test.Teacher.Select(round)]);
        using GuardedBuffer<T> apart = new(context, test.Student.Length);
        using GuardedBuffer<int> labels = new(context, test.Labels!);
        using GuardedBuffer<float> soft = new(context, test.Rows);
        using GuardedBuffer<float> hard = new(context, test.Rows);
        GuardedBuffer<T> gradient = inPlace ? student : apart;
        using Launch launch = DistillationLoss.Bind(
            context,
            new DistillationInputs<T>
            {
                Student = student.Matrix(test.Rows, test.Columns),
                Teacher = teacher.Matrix(test.Rows, test.Columns),
                Labels = labels.View,
            },
            new DistillationOutputs<T> { Gradient = gradient.Matrix(test.Rows, test.Columns), SoftLosses = soft.View, HardLosses = hard.View },
            test.Options);
        launch.Run(context.Accelerator.DefaultStream);
        return (gradient.Read("gradient"), soft.Read("soft"), hard.Read("hard"));
    }
}
