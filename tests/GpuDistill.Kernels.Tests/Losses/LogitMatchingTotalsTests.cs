using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>What logit matching tells of a batch: its rows, its totals, what is invalid.</summary>
public class LogitMatchingTotalsTests
{
    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithCuda;

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
}
