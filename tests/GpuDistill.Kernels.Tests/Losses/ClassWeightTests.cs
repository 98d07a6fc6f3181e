using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>Class weights that are none, which the device alone sees: the rows that they take part in are left out and named.</summary>
public class ClassWeightTests
{
    private const int Rows = 9;

    private static readonly float[] Bad = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, -1, -1e-30f];

    // Short and long rows of every variant: slabs of one thread and of four to a row, rows of teams with whole quads and without.
    private static readonly int[] Lengths = [5, 10, 40, 43, 164];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithCuda;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Rows_whose_label_has_no_weight_are_left_out_and_named(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int columns in Lengths)
        {
            foreach (Reduction reduction in Enum.GetValues<Reduction>())
            {
                LossCase good = Good(columns) with { Options = new() { Reduction = reduction } };
                foreach (float bad in Bad)
                    CheckReason(context, With(good, 2, bad), 1, "both objectives");
            }

            LossCase hard = With(Good(columns), 2, float.NaN) with { Teacher = [], Options = new() { SoftWeight = 0, Reduction = Reduction.Mean } };
            CheckReason(context, hard, 1, "hard alone");
            CheckReason(context, hard with { Options = new() { SoftWeight = 0, HardWeight = 0 } }, 1, "no objective");
            LossCase soft = With(Good(columns), 2, -1);
            CheckReason(context, soft with { Options = new() { Temperature = 100 } }, 1, "flat");
            CheckReason(context, soft with { Options = new() { LabelBlend = 0.3f } }, 1, "blended");
            CheckReason(context, soft with { TeacherRows = [8, 7, 6, 5, 4, 3, 2, 1, 0] }, 7, "gathered");
        }
    }

    // The soft targets know no class weights, blended or not.
    [Theory]
    [MemberData(nameof(Variants))]
    public void A_weight_that_takes_part_in_no_row_spoils_none(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int columns in Lengths)
        {
            foreach (float bad in Bad)
            {
                LossCase test = With(Good(columns), 3, bad) with { Options = new() { LabelBlend = 0.3f, Reduction = Reduction.Mean } };
                Assert.Null(test.Check(context, "no row's label").Totals.InvalidRow);
                LossCase unlabelled = test with { Labels = [-100, -100, -100, -100, -100, -100, -100, -100, -100] };
                Assert.Null(unlabelled.Check(context, "no labels").Totals.InvalidRow);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void With_label_smoothing_any_weight_takes_part(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int columns in Lengths)
        {
            foreach (float temperature in (float[])[4, 100])
            {
                LossCase good = Good(columns) with { Options = new() { Temperature = temperature, LabelSmoothing = 0.1f, Reduction = Reduction.Mean } };
                foreach (float bad in Bad)
                    CheckReason(context, With(good, columns - 1, bad), 0, "smoothed");
            }
        }
    }

    // Weights of 0 are weights, -0 too; what is wrong with the logits is told first, and an infinite loss after.
    [Theory]
    [MemberData(nameof(Variants))]
    public void What_else_is_wrong_with_a_row_keeps_its_place(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int columns in Lengths)
        {
            LossCase good = Good(columns);
            Assert.Null(With(good, 2, -0f).Check(context, "-0").Totals.InvalidRow);
            LossCase bad = With(good, 2, float.NaN);
            Check(bad with { Student = With(good.Student, columns, float.NaN) }, InvalidRowReason.StudentLogits);
            Check(bad with { Teacher = With(good.Teacher, columns, float.NaN) }, InvalidRowReason.TeacherLogits);
            Check(bad with { Student = With(good.Student, columns, float.NegativeInfinity) }, InvalidRowReason.ClassWeight);
            Check(bad with { Student = With(good.Student, columns + 2, float.NegativeInfinity) }, InvalidRowReason.ClassWeight);
        }

        void Check(LossCase test, InvalidRowReason reason)
        {
            InvalidRowException exception = Assert.Throws<InvalidRowException>(() => test.Check(context, "two things").Totals.ThrowIfInvalid());
            Assert.Equal((1, reason), (exception.Row, exception.Reason));
        }
    }

    // Rows in parts, whose groups are small enough for them on these devices.
    [Theory]
    [MemberData(nameof(Variants))]
    public void Long_rows_are_left_out_and_named(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        int columns = 40 * context.GroupSize(RowTeam.MaxGroupSize);
        foreach (int length in (int[])[columns, columns + 1])
        {
            LossCase good = Good(length);
            CheckReason(context, With(good, 2, -1), 1, "long");
            CheckReason(context, With(good, length - 1, float.PositiveInfinity) with { Options = new() { LabelSmoothing = 0.1f } }, 0, "long, smoothed");
        }
    }

    // Some rows have class 2, the first of them row 1; none has class 3 or the last.
    private static LossCase Good(int columns) => LossCase.Peaky(Rows, columns) with
    {
        Labels = [0, 2, -100, 1, 2, -100, 0, 1, 0],
        ClassWeights = [.. Enumerable.Range(0, columns).Select(i => 0.5f + (i % 3))],
    };

    private static LossCase With(LossCase test, int label, float weight) => test with { ClassWeights = With(test.ClassWeights!, label, weight) };

    private static float[] With(float[] values, int place, float value)
    {
        float[] result = [.. values];
        result[place] = value;
        return result;
    }

    private static void CheckReason(KernelContext context, LossCase test, int row, string what)
    {
        LossResult result = test.Check(context, what);
        InvalidRowException exception = Assert.Throws<InvalidRowException>(() => result.Totals.ThrowIfInvalid());
        Assert.Equal((row, InvalidRowReason.ClassWeight), (exception.Row, exception.Reason));
        Assert.All(result.Gradient.Concat(result.Hard), value => Assert.True(float.IsFinite(value)));
    }
}
