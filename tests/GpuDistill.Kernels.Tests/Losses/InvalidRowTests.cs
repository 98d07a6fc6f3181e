using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>Rows without a loss: left out of a batch of the distillation loss, and named with what is wrong with them.</summary>
public class InvalidRowTests
{
    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithCuda;

    [Theory]
    [MemberData(nameof(Variants))]
    public void An_invalid_row_is_left_out_and_named(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int columns) in ((int, int)[])[(9, 5), (9, 40)])
        {
            foreach (Reduction reduction in Enum.GetValues<Reduction>())
            {
                LossCase good = LossCase.Peaky(rows, columns) with { Options = new() { Reduction = reduction } };
                (good with { Labels = [1, 0, columns, 0, -1, 0, 0, 0, 0] }).Check(context, "label out of range");
                foreach (float bad in (float[])[float.NaN, float.PositiveInfinity])
                {
                    (good with { Student = With(good.Student, (4 * columns) + 1, bad) }).Check(context, "student");
                    (good with { Teacher = With(good.Teacher, (3 * columns) + columns - 1, bad) }).Check(context, "teacher");
                    (good with { Student = With(good.Student, 4 * columns, bad), Options = new() { SoftWeight = 0 } }).Check(context, "hard alone");
                    (good with { Student = With(good.Student, 4 * columns, bad), Options = new() { Temperature = 100 } }).Check(context, "flat");
                }

                float[] empty = [.. good.Student];
                empty.AsSpan(columns, columns).Fill(float.NegativeInfinity);
                (good with { Student = empty }).Check(context, "nothing but -infinity");
                (good with { Student = With(good.Student, columns + 2, float.NegativeInfinity) }).Check(context, "infinite loss");
                LossCase gathered = good with { TeacherRows = [8, 7, 6, 5, 4, 3, 2, 1, 0] };
                (gathered with { Teacher = With(good.Teacher, (6 * columns) + 1, float.NaN) }).Check(context, "gathered");
                foreach (int wrong in (int[])[-1, rows, int.MaxValue, int.MinValue])
                    (good with { TeacherRows = [8, 7, 6, wrong, 4, 3, 2, 1, 0] }).Check(context, "teacher row");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Running_totals_add_up_and_keep_the_first_invalid_row(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        using GuardedBuffer<float> logits = new(context, TestData.PeakyLogits(3, 10, 1));
        using GuardedBuffer<int> labels = new(context, [1, 2, 3]);
        using GuardedBuffer<LossTotals> running = new(context, [default(LossTotals)]);
        using Launch launch = CrossEntropy.Bind(
            context, logits.Matrix(3, 10), labels.View, new DistillationOutputs<float> { Running = running.View });
        launch.Run(context.Accelerator.DefaultStream);
        LossTotals once = running.Read()[0];
        labels.Write([1, -5, 3]);
        launch.Run(context.Accelerator.DefaultStream);
        labels.Write([11, 2, 3]);
        launch.Run(context.Accelerator.DefaultStream);
        LossTotals totals = running.Read()[0];
        Assert.True(once.Total > 0 && totals.Total > once.Total);
        Assert.Equal((9, 7), (totals.Rows, totals.Labelled));
        Assert.Equal(1, totals.InvalidRow);
    }

    // A masked class: the student's logit is -infinity where the teacher has mass, and no label is involved.
    [Theory]
    [MemberData(nameof(Variants))]
    public void An_infinite_soft_loss_and_an_infinite_hard_loss_are_told_apart(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int columns in (int[])[5, 40])
        {
            LossCase plain = LossCase.Peaky(3, columns) with { Labels = [0, -100, 3] };
            float[] masked = With(plain.Student, columns + 1, float.NegativeInfinity);
            LossCase soft = plain with { Student = masked, Labels = null, Options = new() { HardWeight = 0 } };
            InvalidRowException exception = Assert.Throws<InvalidRowException>(() => soft.Check(context, "soft").Totals.ThrowIfInvalid());
            Assert.Equal((1, InvalidRowReason.InfiniteSoftLoss), (exception.Row, exception.Reason));
            Assert.Contains("the soft loss is infinite", exception.Message);
            Assert.DoesNotContain("label", exception.Message);

            LossCase hard = plain with { Student = masked, Labels = [0, 1, 3], Options = new() { SoftWeight = 0 } };
            exception = Assert.Throws<InvalidRowException>(() => hard.Check(context, "hard").Totals.ThrowIfInvalid());
            Assert.Equal((1, InvalidRowReason.InfiniteHardLoss), (exception.Row, exception.Reason));
            LossCase smooth = hard with { Labels = [0, 2, 3], Options = new() { SoftWeight = 0, LabelSmoothing = 0.1f } };
            exception = Assert.Throws<InvalidRowException>(() => smooth.Check(context, "smooth").Totals.ThrowIfInvalid());
            Assert.Equal((1, InvalidRowReason.InfiniteHardLoss), (exception.Row, exception.Reason));
        }
    }

    private static float[] With(float[] values, int place, float value)
    {
        float[] result = [.. values];
        result[place] = value;
        return result;
    }
}
