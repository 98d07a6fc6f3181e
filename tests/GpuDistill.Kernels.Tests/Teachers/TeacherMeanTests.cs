using GpuDistill.TestKit;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Teachers;

public class TeacherMeanTests
{
    private const float Untouched = 77;

    private static readonly (int Rows, int Columns)[] Shapes =
        [(1, 1), (5, 2), (67, 3), (23, 10), (3, 15), (3, 16), (3, 17), (2, 31), (2, 33), (2, 257), (1, 4099)];

    public static TheoryData<string, KernelVariant> Variants => [.. TestDevices.VariantsWithSubGroups, .. TestDevices.SubGroupsAlone];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int columns) in Shapes)
        {
            float[][] peaky = [.. Enumerable.Range(0, 3).Select(m => TestData.PeakyLogits(rows, columns, m))];
            float[][] extreme = [.. Enumerable.Range(0, 3).Select(m => TestData.ExtremeLogits(rows, columns, m))];
            TeacherMeanOptions arithmetic = new() { Kind = TeacherMeanKind.Arithmetic, Teachers = 3 };
            CheckAgainstReference(context, peaky[..1], rows, columns, arithmetic with { Teachers = 1 });
            CheckAgainstReference(context, extreme[..1], rows, columns, new());
            CheckAgainstReference(context, peaky, rows, columns, new() { Teachers = 3 });
            CheckAgainstReference(context, extreme, rows, columns, new() { Teachers = 3 });
            CheckAgainstReference(context, extreme, rows, columns, arithmetic with { Temperature = 1e-3f });
            CheckAgainstReference(context, extreme, rows, columns, arithmetic);
            CheckAgainstReference(context, peaky, rows, columns, arithmetic);
            CheckAgainstReference(context, peaky, rows, columns, arithmetic with { Temperature = 20 });
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_arithmetic_mean_has_the_mean_probability(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        float[][] teachers = [[9, 0, -3, 1], [0, 4, 2, float.NegativeInfinity]];
        float[] store = Run(context, teachers, 1, 4, new() { Kind = TeacherMeanKind.Arithmetic, Teachers = 2, Temperature = 3 });
        double[] first = TemperatureSoftmax.Reference(teachers[0], 3);
        double[] second = TemperatureSoftmax.Reference(teachers[1], 3);
        double[] mean = [.. first.Zip(second, (p, q) => (p + q) / 2)];
        double[] got = TemperatureSoftmax.Reference(store, 3);
        Tolerance.Softmax.Check(mean, [.. got.Select(q => (float)q)], "mean probability");
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Minus_infinity_stays_where_the_mean_is_0(string device, KernelVariant variant)
    {
        const float None = float.NegativeInfinity;
        KernelContext context = TestDevices.Get(device, variant);
        float[][] teachers = [[3, None, None, 1], [None, None, 2, 0]];
        float[] geometric = Run(context, teachers, 1, 4, new() { Teachers = 2 });
        Assert.Equal([true, true, true, false], geometric.Select(float.IsNegativeInfinity));
        Assert.Equal(-1, geometric[3]);
        float[] arithmetic = Run(context, teachers, 1, 4, new() { Kind = TeacherMeanKind.Arithmetic, Teachers = 2 });
        Assert.Equal([false, true, false, false], arithmetic.Select(float.IsNegativeInfinity));
        Assert.DoesNotContain(arithmetic, float.IsNaN);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_row_without_a_softmax_is_NaN_and_spoils_no_other(string device, KernelVariant variant)
    {
        const int Rows = 6;
        const int Columns = 19;
        KernelContext context = TestDevices.Get(device, variant);
        foreach (TeacherMeanKind kind in Enum.GetValues<TeacherMeanKind>())
        {
            foreach (int count in (int[])[1, 2])
            {
                float[][] teachers = [.. Enumerable.Range(0, count).Select(m => TestData.PeakyLogits(Rows, Columns, m))];
                teachers[^1].AsSpan(Columns, Columns).Fill(float.NegativeInfinity);
                teachers[^1][(2 * Columns) + 18] = float.NaN;
                teachers[0][(3 * Columns) + 1] = float.PositiveInfinity;
                teachers[0][4 * Columns] = float.NaN;
                teachers[^1][(4 * Columns) + 2] = float.NegativeInfinity;
                float[] store = Run(context, teachers, Rows, Columns, new() { Kind = kind, Teachers = count });
                for (int i = 0; i < store.Length; i++)
                    Assert.Equal(i / Columns is 1 or 2 or 3 or 4, float.IsNaN(store[i]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Rows_go_to_their_places_and_others_are_left_alone(string device, KernelVariant variant)
    {
        const int Columns = 21;
        KernelContext context = TestDevices.Get(device, variant);
        float[] logits = TestData.PeakyLogits(6, Columns, 5);
        int[] rows = [4, -1, 0, int.MinValue, 5, int.MaxValue];
        using GuardedBuffer<float> input = new(context, logits);
        using GuardedBuffer<int> places = new(context, rows);
        using GuardedBuffer<float> store = new(context, [.. Enumerable.Repeat(Untouched, 5 * Columns)]);
        Launch add = TeacherMean.BindAdd(context, input.Matrix(6, Columns), places.View, store.Matrix(5, Columns), new(), 0);
        add.Run(context.Accelerator.DefaultStream);
        float[] result = store.Read();
        float[] expected = [.. Enumerable.Repeat(Untouched, 5 * Columns)];
        logits.AsSpan(0, Columns).CopyTo(expected.AsSpan(4 * Columns));
        logits.AsSpan(2 * Columns, Columns).CopyTo(expected);
        Assert.Equal(expected, result);
        Assert.Equal(rows, places.Read());
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_second_run_gives_the_same_bits(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        float[][] teachers = [TestData.PeakyLogits(7, 131, 1), TestData.PeakyLogits(7, 131, 2)];
        TeacherMeanOptions options = new() { Kind = TeacherMeanKind.Arithmetic, Teachers = 2, Temperature = 4 };
        Assert.Equal(Run(context, teachers, 7, 131, options), Run(context, teachers, 7, 131, options));
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        KernelContext shared = TestDevices.Get("cpu", KernelVariant.Auto);
        float[][] teachers = [.. Enumerable.Range(0, 3).Select(m => TestData.PeakyLogits(41, 37, m))];
        foreach (TeacherMeanKind kind in Enum.GetValues<TeacherMeanKind>())
        {
            TeacherMeanOptions options = new() { Kind = kind, Teachers = 3, Temperature = 4 };
            float[] expected = Run(shared, teachers, 41, 37, options);
            Assert.Equal(expected, Run(shared, teachers, 41, 37, options));
            foreach (int threads in (int[])[1, 3, 5])
            {
                using KernelContext context = new(shared.Accelerator, KernelVariant.Auto, threads);
                Assert.Equal(expected, Run(context, teachers, 41, 37, options));
            }
        }
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> buffer = new(context, 80);
        using GuardedBuffer<int> rows = new(context, 4);
        Matrix<float> logits = buffer.Matrix(4, 10);
        Matrix<float> store = new(buffer.View.SubView(40, 40), 4, 10);
        TeacherMeanOptions two = new() { Teachers = 2 };
        foreach (int teacher in (int[])[-1, 2])
            Assert.Throws<ArgumentOutOfRangeException>(() => TeacherMean.BindAdd(context, logits, rows.View, store, two, teacher));
        foreach (float temperature in (float[])[0, -1, float.NaN, float.PositiveInfinity])
            Assert.Throws<ArgumentOutOfRangeException>(() => TeacherMean.BindFinish(context, store, new() { Temperature = temperature }));
        Assert.Throws<ArgumentOutOfRangeException>(() => TeacherMean.BindFinish(context, store, new() { Teachers = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => TeacherMean.BindFinish(context, store, new() { Kind = (TeacherMeanKind)7 }));
        Assert.Throws<ArgumentException>(() => TeacherMean.BindAdd(context, logits, rows.View.SubView(0, 3), store, two, 0));
        Assert.Throws<ArgumentException>(() => TeacherMean.BindAdd(context, logits, rows.View, new(store.Data, 8, 5), two, 0));
        Assert.Throws<ArgumentException>(() => TeacherMean.BindAdd(context, logits, rows.View, logits, two, 0));
    }

    private static void CheckAgainstReference(
        KernelContext context, float[][] teachers, int rows, int columns, TeacherMeanOptions options)
    {
        float[] store = Run(context, teachers, rows, columns, options);
        if (teachers.Length == 1)
        {
            Assert.Equal(teachers[0], store);
            return;
        }

        double spread = options.Kind == TeacherMeanKind.Arithmetic ? options.Temperature * Math.Log(teachers.Length * columns) : 0;
        for (int row = 0; row < rows; row++)
        {
            float[][] slices = [.. teachers.Select(t => t[(row * columns)..((row + 1) * columns)])];
            double[] expected = TeacherMean.Reference(slices, options.Kind, options.Temperature);
            double unit = spread + slices.SelectMany(z => z).Where(float.IsFinite).Max(MathF.Abs);
            float[] actual = store[(row * columns)..((row + 1) * columns)];
            Tolerance.TeacherMean.Check(
                [.. expected.Select(v => v / unit)],
                [.. actual.Select(v => (float)(v / unit))],
                $"[{rows} x {columns}], {options}, row {row}");
        }
    }

    // Rows go to the store in reverse order, and one row of it stays untouched.
    private static float[] Run(KernelContext context, float[][] teachers, int rows, int columns, TeacherMeanOptions options)
    {
        AcceleratorStream stream = context.Accelerator.DefaultStream;
        using GuardedBuffer<float> logits = new(context, rows * columns);
        using GuardedBuffer<int> places = new(context, [.. Enumerable.Range(0, rows).Select(row => rows - row)]);
        using GuardedBuffer<float> store = new(context, [.. Enumerable.Repeat(float.NaN, (rows + 1) * columns)]);
        Matrix<float> target = store.Matrix(rows + 1, columns);
        for (int teacher = 0; teacher < teachers.Length; teacher++)
        {
            logits.Write(teachers[teacher]);
            TeacherMean.BindAdd(context, logits.Matrix(rows, columns), places.View, target, options, teacher).Run(stream);
            Assert.Equal(teachers[teacher], logits.Read());
        }

        TeacherMean.BindFinish(context, target, options).Run(stream);
        float[] all = store.Read();
        Assert.All(all[..columns], value => Assert.True(float.IsNaN(value)));
        float[] result = new float[rows * columns];
        for (int row = 0; row < rows; row++)
            all.AsSpan((rows - row) * columns, columns).CopyTo(result.AsSpan(row * columns));
        return result;
    }
}
