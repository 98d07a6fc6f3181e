using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

public class DistillationLossTests
{
    // Small enough for the portable kernel on CPU lanes; around every vector width and team size.
    private static readonly (int Rows, int Columns)[] SmallShapes =
        [(1, 2), (4097, 2), (13, 3), (257, 10), (7, 15), (7, 16), (7, 17), (5, 31), (5, 33), (3, 41), (2, 257)];

    // Rows that fit one vector of every width, of 512 bits alone, and of none.
    private static readonly int[] NarrowAndWide = [4, 10, 37];

    private static readonly (int Rows, int Columns)[] LargeShapes = [(5, 1000), (3, 4095), (2, 32000), (2, 128256)];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.VariantsWithCuda;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int columns) in SmallShapes)
        {
            foreach (float temperature in (float[])[0.5f, 1, 4, 20, 1000])
                (LossCase.Peaky(rows, columns) with { Options = new() { Temperature = temperature } }).Check(context, "peaky");
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference_for_many_classes(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int columns) in device == "cpu-16" ? LargeShapes[..2] : LargeShapes)
        {
            foreach (float temperature in (float[])[1, 3, 4])
                (LossCase.Peaky(rows, columns) with { Options = new() { Temperature = temperature } }).Check(context, "many classes");
        }
    }

    // What comes late in a row changes what its early sums are relative to; on each device a row of several of its threads' blocks.
    [Theory]
    [MemberData(nameof(Variants))]
    public void Rows_whose_logits_grow_fall_or_begin_with_infinity_match_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        int columns = (5 * 16 * context.GroupSize(RowTeam.MaxGroupSize)) + 3;
        LossCase plain = LossCase.Peaky(4, columns);
        float[] growing = [.. Enumerable.Range(0, 4 * columns).Select(i => (40f * (i % columns) / columns) - 20)];
        float[] falling = [.. growing.Select(z => -z)];
        float[] masked = [.. growing];
        float[] lost = [.. growing];
        for (int row = 0; row < 4; row++)
        {
            masked.AsSpan(row * columns, columns / 2).Fill(float.NegativeInfinity);
            lost.AsSpan(row * columns, columns / 2).Fill(-1e6f);
        }

        int[] labels = [columns - 1, -100, columns / 2, 0];
        foreach (float temperature in (float[])[1, 4, 50, 100])
        {
            foreach (float smoothing in (float[])[0, 0.1f])
            {
                LossCase test = plain with { Labels = labels, Options = new() { Temperature = temperature, LabelSmoothing = smoothing } };
                (test with { Student = growing, Teacher = falling }).Check(context, "growing");
                (test with { Student = falling, Teacher = growing }).Check(context, "falling");
                (test with { Student = growing, Teacher = masked }).Check(context, "the teacher begins with infinity");
                (test with { Student = masked, Teacher = lost }).Check(context, "the student does, where the teacher has no mass");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Extreme_logits_and_temperatures_stay_finite_and_right(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int columns in NarrowAndWide)
        {
            foreach (float temperature in (float[])[1e-3f, 0.1f, 1, 2, 8, 50, 1e4f, 1e6f])
            {
                float[] ordinary = TestData.Uniform(23 * columns, 1e4f, 5);
                LossCase extreme = new(23, columns, ordinary, TestData.ExtremeLogits(23, columns, 6), LossCase.LabelsOf(23, columns, 7))
                {
                    Options = new() { Temperature = temperature },
                };
                extreme.Check(context, "extreme");
                (extreme with { Student = extreme.Teacher }).Check(context, "student and teacher share their places of -infinity");
                (extreme with { Student = TestData.ExtremeLogits(23, columns, 8) }).Check(context, "some rows have an infinite loss");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_option_matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        DistillationOptions[] options =
        [
            new() { SoftWeight = 0 }, new() { HardWeight = 0 }, new() { SoftWeight = 0, HardWeight = 0 }, new() { SoftWeight = 2.5f },
            new() { ScaleByTemperatureSquared = false }, new() { LabelSmoothing = 0.1f }, new() { LabelBlend = 0.3f },
            new() { LabelBlend = 1 }, new() { Temperature = 100, LabelBlend = 0.3f, LabelSmoothing = 0.1f },
            new() { Reduction = Reduction.None }, new() { Reduction = Reduction.Sum }, new() { Reduction = Reduction.Mean },
            new() { Reduction = Reduction.Mean, HardWeight = 0 }, new() { Reduction = Reduction.Mean, SoftWeight = 0 },
            new() { Normalizer = 7.5f }, new() { Normalizer = 7.5f, Reduction = Reduction.Mean }, new() { IgnoreIndex = 0 },
            new() { LabelSmoothing = 0.2f, Reduction = Reduction.Mean, Temperature = 1 }, new() { LabelSmoothing = 0.1f, SoftWeight = 0 },
        ];
        foreach (int columns in NarrowAndWide)
        {
            LossCase plain = LossCase.Peaky(14, columns);
            float[] weights = [.. TestData.Uniform(columns, 1, 9).Select(weight => weight < -0.5f ? 0 : weight + 1)];
            foreach (DistillationOptions option in options)
            {
                int[] labels = [.. plain.Labels!.Select(label => label == -100 ? option.IgnoreIndex : label)];
                LossCase test = plain with { Options = option, Labels = labels };
                test.Check(context, "plain");
                if (option.HasHard)
                    (test with { ClassWeights = weights }).Check(context, "class weights");
                (test with { Labels = null, Options = option with { HardWeight = 0, LabelSmoothing = 0 } }).Check(context, "no labels");
                (test with { TeacherRows = [.. Enumerable.Range(0, 14).Select(row => row * 5 % 14)] }).Check(context, "gathered");
                if (option.SoftWeight == 0)
                    (test with { Teacher = [] }).Check(context, "no teacher");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_batch_with_no_labelled_row_or_no_row_at_all_that_takes_part_is_0(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        LossCase unlabelled = LossCase.Peaky(5, 10) with { Labels = [-100, -100, -100, -100, -100] };
        foreach (Reduction reduction in Enum.GetValues<Reduction>())
        {
            LossResult soft = (unlabelled with { Options = new() { Reduction = reduction } }).Check(context, "unlabelled");
            Assert.Equal(0, soft.Totals.Hard);
            LossResult none = (unlabelled with { Options = new() { Reduction = reduction, SoftWeight = 0 } }).Check(context, "nothing to do");
            Assert.All(none.Gradient, g => Assert.Equal(0, g));
            Assert.Equal(0, none.Totals.Total);
            LossResult weightless = (unlabelled with
            {
                Labels = [1, 2, 3, 1, 2],
                ClassWeights = new float[10],
                Options = new() { Reduction = reduction, SoftWeight = 0 },
            }).Check(context, "weightless");
            Assert.All(weightless.Gradient, g => Assert.Equal(0, g));
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_first_of_equal_logits_is_the_prediction(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int columns in (int[])[4, 70])
        {
            float[] student = new float[2 * columns];
            student[1] = student[3] = student[columns + 1] = student[columns + 3] = 5;
            LossResult result = new LossCase(2, columns, student, student, [1, 3]).Check(context, "equal logits");
            Assert.Equal(1, result.Totals.Correct);
            // A logarithm of what is 1 but for a reciprocal, which a GPU rounds to a neighbour.
            double largest = 4 * Math.Pow(new DistillationOptions().Temperature, 2) / (1 << 23);
            Assert.InRange(result.Totals.KlDivergence, -largest, largest);
        }
    }

    // Many classes share the largest logit: only the first of them is the prediction, wherever it is in a thread's part of the row.
    [Theory]
    [MemberData(nameof(Variants))]
    public void Labels_among_equal_largest_logits_are_right_only_where_they_are_the_first(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int columns in (int[])[2, 7, 10, 16, 33, 70, 164, 547])
        {
            const int Rows = 24;
            LossCase plain = LossCase.Peaky(Rows, columns);
            float[] student = new float[plain.Student.Length];
            int[] labels = new int[Rows];
            for (int row = 0; row < Rows; row++)
            {
                int first = row * 5 % columns;
                for (int i = first; i < columns; i += 1 + (row % 4))
                    student[(row * columns) + i] = 2;
                // The first, a later one, one of those between, and the one before.
                labels[row] = (row / 4 % 4) switch { 0 => first, 1 => columns - 1, 2 => Math.Min(columns - 1, first + 1), _ => Math.Max(0, first - 1) };
            }

            LossResult result = (plain with { Student = student, Labels = labels }).Check(context, "equal logits");
            Assert.InRange(result.Totals.Correct, 1, Rows - 1);
        }
    }
}
