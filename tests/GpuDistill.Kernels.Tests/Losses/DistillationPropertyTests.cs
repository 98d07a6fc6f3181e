using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>What must hold of the loss whatever its implementation: derivatives, limits, scaling, repeatability.</summary>
public class DistillationPropertyTests
{
    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithCuda;

    // The gradient must be the derivative of the loss: of the reference's in double, and of the kernel's own.
    [Theory]
    [MemberData(nameof(Variants))]
    public void The_divergence_keeps_its_digits_at_any_temperature(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int columns) in ((int, int)[])[(9, 10), (3, 1000)])
        {
            foreach (float temperature in (float[])[40, 1000, 1e5f])
            {
                LossCase test = new(rows, columns, TestData.Uniform(rows * columns, 8, 21), TestData.Uniform(rows * columns, 8, 22), null)
                {
                    Options = new() { Temperature = temperature, HardWeight = 0 },
                };
                double expected = test.Reference().KlDivergence;
                Tolerance.Divergence.Check(expected, test.Run(context).Totals.KlDivergence, expected, $"[{rows} x {columns}] at T = {temperature}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_gradient_is_the_derivative_of_the_loss(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (float temperature in (float[])[1, 4, 30])
        {
            LossCase test = new(3, 7, TestData.Uniform(21, 2, 1), TestData.Uniform(21, 2, 2), [3, -100, 0])
            {
                Options = new() { Temperature = temperature, HardWeight = 0.5f, LabelSmoothing = 0.1f, LabelBlend = 0.2f },
                ClassWeights = [1, 2, 0.5f, 1, 0, 1, 3],
            };
            float[] gradient = test.Run(context).Gradient;
            double scale = gradient.Max(MathF.Abs);
            for (int i = 0; i < gradient.Length; i++)
            {
                // Powers of two: the step is the same after rounding.
                LossCase fine = Move(test, i, 1f / 1024), back = Move(test, i, -1f / 1024);
                double ofReference = (fine.Reference().Total - back.Reference().Total) * 512;
                Assert.Equal(ofReference, gradient[i], 2e-5 * scale);
                double ofKernel = (Total(Move(test, i, 1f / 8), context) - Total(Move(test, i, -1f / 8), context)) * 4;
                Assert.Equal(ofKernel, gradient[i], (4e-3 * scale) + (2e-6 * temperature * temperature));
            }
        }
    }

    // R9: with zero-meaned logits the gradient at T tends to (z - v) / C, and its distance from that falls as 1 / T.
    [Theory]
    [MemberData(nameof(Variants))]
    public void At_high_temperature_distillation_becomes_logit_matching_with_an_error_of_1_over_T(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int columns in (int[])[10, 100])
        {
            float[] z = ZeroMean(TestData.PeakyLogits(2, columns, 3), columns);
            float[] v = ZeroMean(TestData.PeakyLogits(2, columns, 4), columns);
            double last = 0;
            foreach (float temperature in (float[])[64, 256, 1024, 4096, 16384])
            {
                LossCase test = new(2, columns, z, v, null)
                {
                    Options = new() { Temperature = temperature, SoftWeight = 1, HardWeight = 0, Reduction = Reduction.Sum },
                };
                float[] gradient = test.Run(context).Gradient;
                double error = 0, size = 0;
                for (int i = 0; i < z.Length; i++)
                {
                    double limit = ((double)z[i] - v[i]) / columns;
                    error = Math.Max(error, Math.Abs(gradient[i] - limit));
                    size = Math.Max(size, Math.Abs(limit));
                }

                error = error / size * temperature;
                Assert.InRange(error, 0.01, 40);
                if (last > 0)
                    Assert.InRange(error / last, 0.8, 1.25);
                last = error;
            }
        }
    }

    // A flat row and its neighbour that just is not must not differ by more than the definition says.
    [Theory]
    [MemberData(nameof(Variants))]
    public void Rows_at_the_edge_of_being_flat_match_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        float[] z = TestData.Uniform(8 * 33, 1, 5), v = TestData.Uniform(8 * 33, 1, 6);
        for (int i = 0; i < z.Length; i++)
        {
            float range = 4.7f + (0.08f * (i / 33));
            z[i] *= range;
            v[i] *= range;
        }

        LossCase test = new(8, 33, z, v, [0, 1, 2, 3, -100, -100, 6, 7]);
        foreach (float temperature in (float[])[DistillationLoss.LowestFlatTemperature, 18, 20])
            (test with { Options = new() { Temperature = temperature } }).Check(context, "edge");
        LossCase same = test with { Student = v, Options = new() { Temperature = 20, HardWeight = 0 } };
        Assert.All(same.Check(context, "student equals teacher").Gradient, g => Assert.InRange(g, -1e-6f, 1e-6f));
    }

    // R6: scaled by T^2 the soft gradient keeps its size as T grows; not scaled it falls by orders of magnitude.
    [Theory]
    [MemberData(nameof(Variants))]
    public void Scaling_by_T_squared_keeps_the_objectives_in_balance(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        double Size(float temperature, bool scaled)
        {
            LossCase test = LossCase.Peaky(20, 10, 7) with
            {
                Labels = null,
                Options = new() { Temperature = temperature, HardWeight = 0, ScaleByTemperatureSquared = scaled },
            };
            return Math.Sqrt(test.Run(context).Gradient.Sum(g => (double)g * g));
        }

        Assert.InRange(Size(20, scaled: true) / Size(5, scaled: true), 0.5, 2);
        Assert.InRange(Size(20, scaled: false) / Size(5, scaled: false), 0.5 / 16, 2.0 / 16);
    }

    // R1: softmax does not know a constant that all logits of a row share.
    [Theory]
    [MemberData(nameof(Variants))]
    public void A_shift_of_a_rows_logits_changes_nothing(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        // Multiples of 1/64, so that the shift is exact.
        LossCase test = new(6, 21, Rounded(TestData.PeakyLogits(6, 21, 1)), Rounded(TestData.PeakyLogits(6, 21, 2)), [0, 1, 2, -100, 4, 5]);
        LossResult plain = test.Run(context);
        LossResult shifted = (test with { Student = [.. test.Student.Select(z => z + 4096)], Teacher = [.. test.Teacher.Select(v => v - 512)] }).Run(context);
        Assert.Equal(plain.Gradient, shifted.Gradient);
        Assert.Equal(plain.Totals, shifted.Totals);
    }

    [Theory]
    [InlineData(KernelVariant.Simd512)]
    [InlineData(KernelVariant.Simd256)]
    [InlineData(KernelVariant.Simd128)]
    public void The_number_of_threads_changes_no_bit(KernelVariant variant)
    {
        KernelContext shared = TestDevices.Get("cpu", variant);
        foreach ((int rows, int columns) in ((int, int)[])[(1, 10), (67, 10), (129, 100), (5, 5000)])
        {
            LossCase test = LossCase.Peaky(rows, columns) with { Options = new() { Reduction = Reduction.Mean, LabelSmoothing = 0.1f } };
            using KernelContext single = new(shared.Accelerator, variant, 1);
            LossResult expected = test.Run(single);
            foreach (int threads in (int[])[2, 3, 7])
            {
                using KernelContext several = new(shared.Accelerator, variant, threads);
                LossResult actual = test.Run(several);
                Assert.Equal(expected.Gradient, actual.Gradient);
                Assert.Equal(expected.Total, actual.Total);
                Assert.Equal(expected.Totals, actual.Totals);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_run_allocates_nothing_on_the_managed_heap(string device, KernelVariant variant)
    {
        Assert.SkipWhen(variant is KernelVariant.Portable or KernelVariant.Cuda, "the ILGPU runtime allocates per launch");
        KernelContext context = TestDevices.Get(device, variant);
        using GuardedBuffer<float> logits = new(context, TestData.PeakyLogits(4, 10, 1));
        using GuardedBuffer<int> labels = new(context, [1, 2, 3, 4]);
        using GuardedBuffer<LossTotals> totals = new(context, 1);
        using Launch launch = CrossEntropy.Bind(
            context, logits.Matrix(4, 10), labels.View, new DistillationOutputs<float> { Totals = totals.View });
        // A first compilation allocates, and so does waiting for the workers that another test uses, so the least counts.
        long least = long.MaxValue;
        for (int i = 0; i < 100; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            launch.Run(context.Accelerator.DefaultStream);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    private static LossCase Move(LossCase test, int place, float by)
    {
        float[] student = [.. test.Student];
        student[place] += by;
        return test with { Student = student };
    }

    // The sum in double of the rows' own losses: the batch's total has lost digits that a difference needs.
    private static double Total(LossCase test, KernelContext context) =>
        test.Run(context, inPlace: false).Total.Sum(total => (double)total) / test.Rows;

    private static float[] Rounded(float[] values) => [.. values.Select(value => MathF.Round(value * 64) / 64)];

    private static float[] ZeroMean(float[] logits, int columns)
    {
        for (int start = 0; start < logits.Length; start += columns)
        {
            double mean = logits.AsSpan(start, columns).ToArray().Average(value => (double)value);
            for (int i = start; i < start + columns; i++)
                logits[i] = (float)(logits[i] - mean);
        }

        return logits;
    }
}
