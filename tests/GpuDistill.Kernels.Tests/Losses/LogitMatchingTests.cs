using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

public class LogitMatchingTests
{
    private static readonly (int Rows, int Columns)[] Shapes =
        [(1, 2), (67, 3), (131, 10), (3, 15), (3, 16), (3, 17), (2, 31), (2, 33), (5, 64), (2, 257), (1, 4099)];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithCuda;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int columns) in Shapes)
        {
            foreach (bool zeroMean in (bool[])[true, false])
            {
                LogitMatchingOptions options = new() { ZeroMean = zeroMean, Weight = 0.7f };
                float[] peaky = TestData.PeakyLogits(rows, columns, 1);
                float[] extreme = TestData.ExtremeLogits(rows, columns, 2);
                new LogitMatchingCase(rows, columns, peaky, TestData.PeakyLogits(rows, columns, 3)).Check(context, options);
                new LogitMatchingCase(rows, columns, peaky, extreme).Check(context, options);
                new LogitMatchingCase(rows, columns, extreme, peaky).Check(context, options);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_reduction_scales_losses_and_gradient_alike(string device, KernelVariant variant)
    {
        const int Rows = 37;
        const int Columns = 7;
        KernelContext context = TestDevices.Get(device, variant);
        LogitMatchingCase batch = new(Rows, Columns, TestData.PeakyLogits(Rows, Columns, 1), TestData.PeakyLogits(Rows, Columns, 2), [], new int[Rows]);
        batch.Student[4] = float.NaN; // row 0 is invalid for its logits: Mean counts it
        batch.Labels[1] = Columns; // row 1 for its label: Mean does not
        (LogitMatchingOptions Options, double Divisor)[] cases =
        [
            (new() { Reduction = Reduction.None }, 1),
            (new() { Reduction = Reduction.Sum }, 1),
            (new() { Reduction = Reduction.Mean }, Rows - 1),
            (new() { Reduction = Reduction.BatchMean }, Rows),
            (new() { Reduction = Reduction.Mean, Normalizer = 512 }, 512),
        ];
        foreach ((LogitMatchingOptions options, double divisor) in cases)
        {
            LogitMatchingResult result = batch.Run(context, options);
            double sum = 0;
            for (int row = 2; row < Rows; row++)
            {
                (double loss, double[] gradient) = batch.Reference(row, true);
                sum += loss;
                Tolerance.LogitDifference.Check(
                    [.. gradient.Select(g => g / 12)],
                    [.. result.Row(row).Select(g => (float)(g * divisor / 12))],
                    $"gradient, {options}");
            }

            Tolerance.SquaredDifference.Check(sum / divisor, result.Totals.Soft, $"total, {options}");
            Assert.Equal(0, result.Totals.InvalidRow);
        }
    }

    [Fact]
    public void The_gradient_is_the_slope_of_the_loss()
    {
        const double Step = 1e-4;
        foreach (bool zeroMean in (bool[])[true, false])
        {
            double[] student = [1.5, -2, 0.25, double.NegativeInfinity, 3];
            double[] teacher = [0.5, 1, -4, 2, 0];
            double[] gradient = LogitMatching.Reference(student, teacher, zeroMean).Gradient;
            for (int i = 0; i < student.Length; i++)
            {
                double[] up = [.. student];
                double[] down = [.. student];
                up[i] += Step;
                down[i] -= Step;
                double slope = (LogitMatching.Reference(up, teacher, zeroMean).Loss - LogitMatching.Reference(down, teacher, zeroMean).Loss) / (2 * Step);
                Assert.Equal(slope, gradient[i], 1e-9);
            }
        }
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        KernelContext shared = TestDevices.Get("cpu", KernelVariant.Auto);
        LogitMatchingCase batch = new(41, 37, TestData.PeakyLogits(41, 37, 1), TestData.PeakyLogits(41, 37, 2));
        foreach (Reduction reduction in Enum.GetValues<Reduction>())
        {
            LogitMatchingOptions options = new() { Reduction = reduction };
            LogitMatchingResult expected = batch.Run(shared, options);
            foreach (int threads in (int[])[1, 3, 5])
            {
                using KernelContext context = new(shared.Accelerator, KernelVariant.Auto, threads);
                LogitMatchingResult result = batch.Run(context, options);
                Assert.Equal(expected.Gradient, result.Gradient);
                Assert.Equal(expected.SoftLosses, result.SoftLosses);
                Assert.Equal(expected.Totals, result.Totals);
            }
        }
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> buffer = new(context, 200);
        using GuardedBuffer<int> integers = new(context, 4);
        using GuardedBuffer<LossTotals> totals = new(context, 2);
        DistillationInputs<float> good = new()
        {
            Student = new(buffer.View.SubView(0, 40), 4, 10),
            Teacher = new(buffer.View.SubView(40, 40), 4, 10),
        };
        DistillationOutputs<float> wanted = new() { Gradient = new(buffer.View.SubView(80, 40), 4, 10) };
        LogitMatching.Bind(context, good, wanted).Dispose();

        Refused<ArgumentOutOfRangeException>(good, wanted, new() { Weight = -1 });
        Refused<ArgumentOutOfRangeException>(good, wanted, new() { Weight = float.NaN });
        Refused<ArgumentOutOfRangeException>(good, wanted, new() { Normalizer = 0 });
        Refused<ArgumentOutOfRangeException>(good, wanted, new() { Reduction = (Reduction)9 });
        Refused<ArgumentException>(good, wanted, new() { Reduction = Reduction.None, Normalizer = 3 });

        Refused<ArgumentException>(good with { Student = new(buffer.View, 4, 1) }, wanted);
        Refused<ArgumentException>(good with { Teacher = default }, wanted);
        Refused<ArgumentException>(good with { Teacher = good.Teacher.Top(3) }, wanted);
        Refused<ArgumentException>(good with { Teacher = default, TeacherRows = integers.View }, wanted);
        Refused<ArgumentException>(good with { TeacherRows = integers.View.SubView(0, 3) }, wanted);
        Refused<ArgumentException>(good with { Labels = integers.View.SubView(0, 3) }, wanted);
        Refused<ArgumentException>(good with { ClassWeights = buffer.View.SubView(190, 10) }, wanted);

        Refused<ArgumentException>(good, default);
        Refused<ArgumentException>(good, new() { Gradient = good.Teacher });
        Refused<ArgumentException>(good, new() { Gradient = new(buffer.View.SubView(8, 40), 4, 10) });
        Refused<ArgumentException>(good, new() { Gradient = wanted.Gradient.Top(3) });
        Refused<ArgumentException>(good, wanted with { SoftLosses = buffer.View.SubView(120, 3) });
        Refused<ArgumentException>(good, wanted with { SoftLosses = buffer.View.SubView(100, 4) });
        Refused<ArgumentException>(good, wanted with { Totals = totals.View });
        Refused<ArgumentException>(good, wanted with { Totals = totals.View.SubView(0, 1), Running = totals.View.SubView(0, 1) });

        NotSupportedException exception = Assert.Throws<NotSupportedException>(() => LogitMatching.Bind(
            context, new DistillationInputs<double> { Student = default }, new DistillationOutputs<double>()));
        Assert.Contains("Double", exception.Message, StringComparison.Ordinal);

        void Refused<TException>(DistillationInputs<float> inputs, DistillationOutputs<float> outputs, LogitMatchingOptions? options = null)
            where TException : Exception =>
            Assert.Throws<TException>(() => LogitMatching.Bind(context, inputs, outputs, options));
    }
}
