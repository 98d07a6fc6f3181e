using GpuDistill.TestKit;
using ILGPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>The plan of the CUDA variant, and every shape of row that it knows, on every device that runs its code.</summary>
public class DistillationCudaTests
{
    public static TheoryData<string, KernelVariant> Variants =>
        [.. TestDevices.VariantsWithCuda.Where(row => row.Data.Item2 == KernelVariant.Cuda)];

    public static TheoryData<string> LargeGroups =>
    [
        .. TestDevices.TensorCores,
        new("opencl") { Traits = { [TestDevices.DeviceTrait] = ["opencl"] } },
    ];

    [Theory]
    [InlineData(2, 1)]
    [InlineData(10, 1)]
    [InlineData(11, 2)]
    [InlineData(20, 2)]
    [InlineData(21, 4)]
    [InlineData(40, 4)]
    public void Rows_of_few_classes_go_in_slabs_with_a_thread_for_every_10(int columns, int team)
    {
        CudaPlan plan = CudaPlan.Of(columns, whole: columns % 4 == 0, 128, 256, 32);
        Assert.True(plan.IsSlab);
        Assert.Equal((team, 1), (plan.Team, plan.Parts));
        Assert.True(128 / plan.Team * columns <= SlabRow.MostPerSlab);
    }

    [Theory]
    [InlineData(41, false, 4, 4)]
    [InlineData(49, false, 4, 4)]
    [InlineData(65, false, 8, 4)]
    [InlineData(68, true, 8, 4)]
    [InlineData(128, true, 8, 4)]
    [InlineData(132, true, 16, 4)]
    [InlineData(512, true, 32, 4)]
    [InlineData(516, true, 32, 8)]
    [InlineData(1000, true, 32, 8)]
    [InlineData(1001, false, 64, 4)]
    [InlineData(1028, true, 64, 8)]
    [InlineData(4096, false, 256, 4)]
    [InlineData(8192, true, 256, 8)]
    public void A_row_gets_more_quads_per_thread_then_more_threads(int columns, bool whole, int team, int quads) =>
        Assert.Equal(new CudaPlan(team, quads, 1, columns), CudaPlan.Of(columns, whole, 128, 256, 32));

    [Theory]
    [InlineData(4097, false, 4, 2, 3072)]
    [InlineData(8196, true, 8, 2, 5120)]
    [InlineData(32_000, true, 8, 4, 8192)]
    [InlineData(50_257, false, 4, 13, 4096)]
    [InlineData(128_256, true, 8, 16, 8192)]
    public void Long_rows_go_in_parts_of_nearly_the_same_length(int columns, bool whole, int quads, int parts, int partColumns)
    {
        CudaPlan plan = CudaPlan.Of(columns, whole, 128, 256, 32);
        Assert.Equal(new CudaPlan(256, quads, parts, partColumns), plan);
    }

    [Fact]
    public void Every_plan_covers_its_row_and_leaves_no_part_empty()
    {
        foreach ((int slabGroup, int group, int warp) in ((int, int, int)[])[(2, 2, 2), (16, 16, 4), (128, 256, 32), (128, 256, 1)])
        {
            for (int columns = 2; columns < 300_000; columns += 1 + (columns / 7))
            {
                foreach (bool whole in (bool[])[false, true])
                {
                    CudaPlan plan = CudaPlan.Of(columns, whole, slabGroup, group, warp);
                    Assert.True(int.IsPow2(plan.Team) && plan.Team <= group);
                    Assert.True((long)plan.Parts * plan.PartColumns >= columns && (long)(plan.Parts - 1) * plan.PartColumns < columns);
                    if (!plan.IsSlab)
                        Assert.True(plan.Team * plan.Quads * Quad.Length >= plan.PartColumns);
                    // The first half of each thread's quads is read without a look at the row's length (FewFilledRow).
                    if (!plan.IsSlab && plan.Parts == 1)
                        Assert.True(((plan.Team * plan.Quads / 2) - 1) * Quad.Length < columns);
                    if (plan.Parts > 1)
                        Assert.Equal((group, 0), (plan.Team, plan.PartColumns % Quad.Length));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_plan_matches_the_reference_with_whole_quads_and_without(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        int group = context.GroupSize(RowTeam.MaxGroupSize);
        HashSet<(bool, int, bool)> plans = [];
        for (int columns = 2; columns <= 80 * group && columns < 20_000; columns = columns < 20 ? columns + 1 : (columns * 3 / 2) + 1)
        {
            foreach (int length in (int[])[columns, columns / 4 * 4 is var whole and > 0 ? whole : 4])
            {
                CudaPlan plan = CudaPlan.Of(
                    length, length % 4 == 0, context.GroupSize(SlabRow.GroupSize), group, context.Accelerator.WarpSize);
                plans.Add((plan.IsSlab, plan.Quads, plan.Parts > 1));
                LossCase plain = LossCase.Peaky(5, length);
                plain.Check(context, "plain");
                (plain with { Options = new() { Temperature = 100 } }).Check(context, "flat");
                (plain with { Options = new() { LabelSmoothing = 0.1f, SoftWeight = 0 } }).Check(context, "smoothed, without a teacher");
            }
        }

        Assert.Superset(
            new HashSet<(bool, int, bool)> { (true, 0, false), (false, 4, false), (false, 8, false), (false, 4, true), (false, 8, true) }, plans);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_length_of_a_slabs_rows_matches_the_reference_in_several_slabs(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        int slabGroup = context.GroupSize(SlabRow.GroupSize);
        for (int columns = 2; columns <= CudaPlan.MostSlabColumns; columns += columns < 16 ? 1 : 3)
        {
            LossCase plain = LossCase.Peaky((2 * slabGroup) + 5, columns);
            plain.Check(context, "plain");
            int rows = plain.Rows;
            (plain with { TeacherRows = [.. Enumerable.Range(0, rows).Select(row => row * 7 % rows)] }).Check(context, "gathered");
            (plain with { Options = new() { Temperature = 60, LabelSmoothing = 0.1f } }).Check(context, "flat and smoothed");
        }
    }

    // Ten classes, totals and a gradient: a kernel of its own, for groups as large as a GPU's.
    [Theory]
    [MemberData(nameof(LargeGroups))]
    public void Ten_classes_with_the_ordinary_objective_match_the_reference(string device)
    {
        KernelContext context = TestDevices.Get(device, KernelVariant.Cuda);
        Assert.Equal(SlabRow.GroupSize, context.GroupSize(SlabRow.GroupSize));
        foreach (int rows in (int[])[2 * SlabRow.GroupSize, SlabRow.GroupSize + 37])
        {
            LossCase plain = LossCase.Peaky(rows, SlabRow.Length) with { HasRowLosses = false };
            plain.Check(context, "plain");
            (plain with { TeacherRows = [.. Enumerable.Range(0, rows).Select(row => row * 7 % rows)] }).Check(context, "gathered");
            (plain with { Options = new() { Temperature = 1, Reduction = Reduction.Sum } }).Check(context, "at 1, summed");
            (plain with { Student = Bad(plain.Student, float.NaN) }).Check(context, "NaN");
            (plain with { Student = Bad(plain.Student, float.NegativeInfinity) }).Check(context, "the student masked");
            (plain with { Teacher = Bad(plain.Teacher, float.PositiveInfinity) }).Check(context, "infinity");
            (plain with { Teacher = Bad(plain.Teacher, float.NegativeInfinity) }).Check(context, "the teacher masked");
            (plain with { Labels = [.. plain.Labels!.Select((label, row) => row is 5 or 9 ? 10 : label)] }).Check(context, "labels out of range");
            (plain with { Student = [.. plain.Student.Select(value => MathF.Round(value))] }).Check(context, "ties");
        }

        // Some elements of some rows.
        static float[] Bad(float[] logits, float value) =>
            [.. logits.Select((logit, i) => i / SlabRow.Length % 50 == 3 && i % 3 == 0 ? value : logit)];
    }

    // In rows of parts a whole part may be masked, which then must not count as a row without a softmax; where student and teacher
    // are masked alike, or the teacher has no mass, the row has a loss.
    [Theory]
    [MemberData(nameof(Variants))]
    public void Parts_of_nothing_but_infinity_and_infinite_logits_in_parts_match_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        int group = context.GroupSize(RowTeam.MaxGroupSize);
        int columns = 40 * group * 3 / 4 * 4;
        CudaPlan plan = CudaPlan.Of(columns, whole: true, context.GroupSize(SlabRow.GroupSize), group, context.Accelerator.WarpSize);
        Assert.True(plan.Parts > 2);
        LossCase plain = LossCase.Peaky(7, columns);
        foreach (float temperature in (float[])[1, 4, 100])
        {
            LossCase test = plain with { Options = new() { Temperature = temperature } };
            float[] masked = Masked(plain.Student, float.NegativeInfinity);
            float[] maskedTeacher = Masked(plain.Teacher, float.NegativeInfinity);
            (test with { Student = masked, Teacher = maskedTeacher }).Check(context, "both masked");
            (test with { Teacher = maskedTeacher }).Check(context, "the teacher masked");
            (test with { Student = masked }).Check(context, "the student masked: no loss");
            (test with { Student = masked, Teacher = Masked(plain.Teacher, -1e6f) }).Check(context, "masked where the teacher has no mass");
            (test with { Student = Masked(plain.Student, float.NaN) }).Check(context, "NaN");
            (test with { Teacher = Masked(plain.Teacher, float.PositiveInfinity) }).Check(context, "infinity");
        }

        // Rows 2 to 4, from the second part's start to its end.
        float[] Masked(float[] logits, float value)
        {
            float[] result = [.. logits];
            for (int row = 2; row < 5; row++)
                result.AsSpan((row * columns) + plan.PartColumns, plan.PartColumns).Fill(value);
            return result;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Views_that_are_not_aligned_are_read_element_by_element(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        const int Columns = 16;
        float[] logits = TestData.PeakyLogits(3, Columns, 1);
        using GuardedBuffer<float> aligned = new(context, logits);
        using GuardedBuffer<float> shifted = new(context, [0, .. logits]);
        using GuardedBuffer<float> expected = new(context, logits.Length);
        using GuardedBuffer<float> actual = new(context, logits.Length);
        using GuardedBuffer<int> labels = new(context, [1, 2, 3]);
        Run(aligned.View, expected);
        Run(shifted.View.SubView(1, logits.Length), actual);
        Assert.Equal(expected.Read(), actual.Read());

        void Run(ArrayView<float> view, GuardedBuffer<float> gradient)
        {
            using Launch launch = CrossEntropy.Bind(
                context, new Matrix<float>(view, 3, Columns), labels.View, new DistillationOutputs<float> { Gradient = gradient.Matrix(3, Columns) });
            Assert.Equal(KernelVariant.Cuda, launch.Variant);
            launch.Run(context.Accelerator.DefaultStream);
        }
    }
}
