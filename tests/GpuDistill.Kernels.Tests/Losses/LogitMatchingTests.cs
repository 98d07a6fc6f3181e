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

    [Theory]
    [MemberData(nameof(Variants))]
    public void Invalid_rows_are_left_out_and_the_first_is_reported(string device, KernelVariant variant)
    {
        const float None = float.NegativeInfinity;
        foreach (int columns in (int[])[4, 37])
        {
            KernelContext context = TestDevices.Get(device, variant);
            (InvalidRowReason Reason, Action<LogitMatchingCase> Break)[] cases =
            [
                (InvalidRowReason.Label, c => c.Labels[2] = columns),
                (InvalidRowReason.Label, c => c.Labels[2] = -1),
                (InvalidRowReason.TeacherRow, c => c.TeacherRows[2] = 5),
                (InvalidRowReason.TeacherRow, c => c.TeacherRows[2] = int.MaxValue),
                (InvalidRowReason.TeacherRow, c => c.TeacherRows[2] = -1),
                (InvalidRowReason.StudentLogits, c => c.Student[(2 * columns) + 1] = float.NaN),
                (InvalidRowReason.StudentLogits, c => c.Student[(3 * columns) - 1] = float.PositiveInfinity),
                (InvalidRowReason.StudentLogits, c => c.Student.AsSpan(2 * columns, columns).Fill(None)),
                (InvalidRowReason.TeacherLogits, c => c.Teacher[columns] = float.NaN),
                (InvalidRowReason.TeacherLogits, c => c.Teacher[columns + 2] = float.PositiveInfinity),
                (InvalidRowReason.TeacherLogits, c => c.Teacher.AsSpan(columns, columns).Fill(None)),
                (InvalidRowReason.StudentLogits, c =>
                {
                    c.Student.AsSpan((2 * columns) + 1, columns - 1).Fill(None);
                    c.Teacher[columns] = None;
                }),
            ];
            LogitMatchingResult clean = Healthy(columns).Run(context, new() { Reduction = Reduction.Sum });
            foreach ((InvalidRowReason reason, Action<LogitMatchingCase> breakRow) in cases)
            {
                LogitMatchingCase batch = Healthy(columns);
                breakRow(batch);
                LogitMatchingResult result = batch.Run(context, new() { Reduction = Reduction.Sum });
                int source = reason == InvalidRowReason.TeacherRow ? 2 : batch.TeacherRows[2];
                InvalidRowException exception = Assert.Throws<InvalidRowException>(() => result.Totals.ThrowIfInvalid());
                Assert.Equal((source, reason), (exception.Row, exception.Reason));
                Assert.Equal(reason == InvalidRowReason.Label ? 3 : 4, result.Totals.Labelled);
                Assert.All(result.Row(2), g => Assert.Equal(0, g));
                Assert.Equal(0, result.SoftLosses[2]);
                foreach (int row in (int[])[0, 1, 3])
                    Assert.Equal((clean.SoftLosses[row], clean.Row(row)[0]), (result.SoftLosses[row], result.Row(row)[0]));
            }

            LogitMatchingCase none = Healthy(columns);
            none.TeacherRows.AsSpan().Fill(9);
            LossTotals totals = none.Run(context, new() { Reduction = Reduction.Mean }).Totals;
            Assert.Equal((0f, 0f, 0, 4L), (totals.Soft, totals.Total, totals.InvalidRow, totals.Rows));
        }

        // Row 2 of the batch has row 1 of the teacher, which no other has.
        static LogitMatchingCase Healthy(int columns) => new(
            4, columns, TestData.PeakyLogits(4, columns, 1), TestData.PeakyLogits(5, columns, 2), [4, 0, 1, 2], [0, 1, 2, 3]);
    }

    // Student, teacher, teacher row or label of row 2 broken: one semantics of counts, numbers and reasons for all losses.
    [Theory]
    [MemberData(nameof(Variants))]
    public void Totals_count_as_those_of_the_distillation_loss(string device, KernelVariant variant)
    {
        const int Columns = 9;
        KernelContext context = TestDevices.Get(device, variant);
        Action<LogitMatchingCase>[] cases =
        [
            _ => { }, c => c.Labels[2] = Columns, c => c.Labels[2] = -3, c => c.TeacherRows[2] = 5, c => c.TeacherRows[2] = -1,
            c => c.TeacherRows[2] = int.MaxValue, c => c.TeacherRows[2] = int.MinValue, c => c.Student[(2 * Columns) + 1] = float.NaN,
            c => c.Teacher[Columns + 4] = float.PositiveInfinity, c => (c.Labels[2], c.Student[2 * Columns]) = (-100, float.NaN),
        ];
        foreach (Action<LogitMatchingCase> breakRow in cases)
        {
            LogitMatchingCase batch = new(
                4, Columns, TestData.PeakyLogits(4, Columns, 1), TestData.PeakyLogits(5, Columns, 2), [4, 0, 1, 2], [0, 1, 2, -100]);
            breakRow(batch);
            LossTotals matching = batch.Run(context, new() { Reduction = Reduction.Mean }).Totals;
            LossTotals distillation = new LossCase(4, Columns, batch.Student, batch.Teacher, batch.Labels)
            {
                TeacherRows = batch.TeacherRows,
                Options = new() { Reduction = Reduction.Mean },
            }.Run(context).Totals;
            Assert.Equal(Counts(distillation), Counts(matching));
        }

        static (long, long, long, int?, int) Counts(LossTotals totals) =>
            (totals.Rows, totals.Labelled, totals.Correct, totals.InvalidRow, totals.InvalidReason);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Labels_count_and_running_totals_add_up(string device, KernelVariant variant)
    {
        const int Columns = 21;
        KernelContext context = TestDevices.Get(device, variant);
        float[] student = new float[5 * Columns];
        foreach ((int row, int column) in (ReadOnlySpan<(int, int)>)[(0, 3), (0, 20), (1, 20), (2, 0), (2, 7), (3, 7), (3, 9)])
            student[(row * Columns) + column] = 5;
        float[] teacher = TestData.PeakyLogits(5, Columns, 1);
        // Of two equal ones the first is predicted (right); wrong; the same again (right, then wrong); unlabelled.
        LogitMatchingCase batch = new(5, Columns, student, teacher, [], [3, 0, 0, 9, -7]);
        LogitMatchingResult result = batch.Run(context, new() { IgnoreIndex = -7 });
        LossTotals totals = result.Totals;
        Assert.Equal((5L, 4L, 2L), (totals.Rows, totals.Labelled, totals.Correct));
        Assert.Equal((totals.Soft, 0f, totals.Soft), (totals.KlDivergence, totals.Hard, totals.Total));
        Assert.Null(totals.InvalidRow);
        LossTotals running = result.Running; // two runs
        Assert.Equal((2 * totals.Soft, 10L, 8L, 4L), (running.Soft, running.Rows, running.Labelled, running.Correct));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Each_output_can_be_asked_for_alone(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        LogitMatchingCase batch = new(6, 19, TestData.PeakyLogits(6, 19, 1), TestData.PeakyLogits(6, 19, 2));
        foreach (Reduction reduction in Enum.GetValues<Reduction>())
        {
            LogitMatchingOptions options = new() { Reduction = reduction };
            LogitMatchingResult all = batch.Run(context, options);
            using GuardedBuffer<float> student = new(context, batch.Student);
            using GuardedBuffer<float> teacher = new(context, batch.Teacher);
            using GuardedBuffer<float> gradient = new(context, 6 * 19);
            using GuardedBuffer<float> losses = new(context, 6);
            using GuardedTotals totals = new(context);
            DistillationInputs<float> inputs = new() { Student = student.Matrix(6, 19), Teacher = teacher.Matrix(6, 19) };
            Run(new() { Gradient = gradient.Matrix(6, 19) });
            Assert.Equal(all.Gradient, gradient.Read());
            Run(new() { SoftLosses = losses.View });
            Assert.Equal(all.SoftLosses, losses.Read());
            Run(new() { Totals = totals.Batch });
            Assert.Equal(all.Totals, totals.Read().Batch);

            void Run(DistillationOutputs<float> outputs)
            {
                using Launch launch = LogitMatching.Bind(context, inputs, outputs, options);
                launch.Run(context.Accelerator.DefaultStream);
            }
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
