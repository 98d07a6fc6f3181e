using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

public class TemperatureSoftmaxTests
{
    private static readonly (int Rows, int Columns)[] Shapes =
        [(1, 1), (1, 2), (4097, 2), (13, 3), (129, 10), (7, 15), (7, 16), (7, 17), (5, 31), (5, 33), (3, 41), (2, 257), (3, 1000), (2, 4095), (1, 32000), (1, 128256)];

    public static TheoryData<string, KernelVariant> Variants => [.. TestDevices.VariantsWithCuda, .. TestDevices.SubGroupsAlone];

    public static TheoryData<string, KernelVariant> CudaVariants =>
        [.. Variants.Where(row => row.Data.Item2 == KernelVariant.Cuda)];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int rows, int columns) in Shapes)
        {
            foreach (float temperature in (float[])[1e-3f, 1, 20, 1e6f])
            {
                foreach (bool log in (bool[])[false, true])
                {
                    CheckAgainstReference(context, TestData.PeakyLogits(rows, columns, 1), rows, columns, temperature, log);
                    CheckAgainstReference(context, TestData.ExtremeLogits(rows, columns, 2), rows, columns, temperature, log);
                }
            }
        }
    }

    // Several slabs of few classes, the last of them not full, and every plan of more.
    [Theory]
    [MemberData(nameof(CudaVariants))]
    public void Every_length_of_the_CUDA_variants_rows_matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        int group = context.GroupSize(RowTeam.MaxGroupSize);
        for (int columns = 1; columns <= 80 * group && columns < 20_000; columns = columns < 50 ? columns + 1 : (columns * 3 / 2) + 1)
        {
            int rows = columns < 50 ? (2 * context.GroupSize(Slab.GroupSize)) + 5 : 5;
            foreach (int length in (int[])[columns, (columns + 3) / 4 * 4])
                CheckAgainstReference(context, TestData.PeakyLogits(rows, length, 1), rows, length, 2, log: columns % 2 == 0);
        }
    }

    [Theory]
    [MemberData(nameof(CudaVariants))]
    public void Views_that_are_not_aligned_are_read_element_by_element(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach (int columns in (int[])[8, 64])
        {
            float[] logits = TestData.PeakyLogits(9, columns, 1);
            using GuardedBuffer<float> aligned = new(context, logits);
            using GuardedBuffer<float> shifted = new(context, [0, .. logits]);
            Matrix<float> matrix = new(shifted.View.SubView(1, logits.Length), 9, columns);
            TemperatureSoftmax.Bind(context, aligned.Matrix(9, columns), aligned.Matrix(9, columns)).Run(context.Accelerator.DefaultStream);
            TemperatureSoftmax.Bind(context, matrix, matrix).Run(context.Accelerator.DefaultStream);
            Assert.Equal([0, .. aligned.Read()], shifted.Read());
        }
    }

    [Fact]
    public void A_slabs_rows_lie_an_odd_pitch_apart()
    {
        for (int columns = 1; columns <= CudaPlan.MostSlabColumns; columns++)
        {
            CudaPlan plan = CudaPlan.Of(columns, whole: false, Slab.GroupSize, RowTeam.MaxGroupSize, 32);
            int rows = Slab.GroupSize / plan.Team;
            Slab slab = Slab.Of(columns, rows, isAligned: true);
            Assert.True(plan.IsSlab && int.IsOddInteger(slab.Pitch) && rows * slab.Pitch <= Slab.MostFloats);
            Assert.True(plan.Team * CudaPlan.SlabColumnsPerThread >= columns);
            for (int element = 0; element < rows * columns; element++)
                Assert.Equal((element / columns * slab.Pitch) + (element % columns), slab.PlaceOf(element));
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_row_without_a_softmax_is_NaN_and_spoils_no_other(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        float[] logits = new float[5 * 19];
        logits.AsSpan(19, 19).Fill(float.NegativeInfinity);
        logits[(2 * 19) + 18] = float.NaN;
        logits[(3 * 19) + 1] = float.PositiveInfinity;
        float[] output = Run(context, logits, 5, 19, 2, log: false);
        for (int i = 0; i < output.Length; i++)
            Assert.Equal(i / 19 is 1 or 2 or 3, float.IsNaN(output[i]));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Entropy_rises_with_the_temperature(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        float[] logits = TestData.PeakyLogits(1, 100, 3);
        double last = 0;
        foreach (float temperature in (float[])[0.1f, 0.5f, 1, 2, 5, 20, 100])
        {
            double entropy = -Run(context, logits, 1, 100, temperature, log: false).Where(q => q > 0).Sum(q => q * Math.Log(q));
            Assert.True(entropy > last, $"T = {temperature}: entropy {entropy} is not above {last}");
            last = entropy;
        }
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> buffer = new(context, 40);
        Matrix<float> matrix = buffer.Matrix(4, 10);
        foreach (float temperature in (float[])[0, -1, float.NaN, float.PositiveInfinity])
            Assert.Throws<ArgumentOutOfRangeException>(() => TemperatureSoftmax.Bind(context, matrix, matrix, temperature));
        Assert.Throws<ArgumentException>(() => TemperatureSoftmax.Bind(context, matrix, matrix.Top(3)));
        Assert.Throws<ArgumentException>(
            () => TemperatureSoftmax.Bind(context, matrix.Top(3), new Matrix<float>(buffer.View.SubView(5, 30), 3, 10)));
    }

    private static void CheckAgainstReference(
        KernelContext context, float[] logits, int rows, int columns, float temperature, bool log)
    {
        float[] output = Run(context, logits, rows, columns, temperature, log);
        Tolerance tolerance = log ? Tolerance.LogSoftmax : Tolerance.Softmax;
        for (int row = 0; row < rows; row++)
        {
            double[] expected = TemperatureSoftmax.Reference(logits.AsSpan(row * columns, columns), temperature, log);
            tolerance.Check(expected, output.AsSpan(row * columns, columns), $"[{rows} x {columns}], T = {temperature}, log {log}, row {row}");
        }
    }

    // In place and apart must agree bit for bit, and so must a second run.
    private static float[] Run(KernelContext context, float[] logits, int rows, int columns, float temperature, bool log)
    {
        using GuardedBuffer<float> input = new(context, logits);
        using GuardedBuffer<float> output = new(context, logits.Length);
        Launch apart = TemperatureSoftmax.Bind(context, input.Matrix(rows, columns), output.Matrix(rows, columns), temperature, log);
        apart.Run(context.Accelerator.DefaultStream);
        float[] result = output.Read();
        Assert.Equal(logits, input.Read());
        Launch inPlace = TemperatureSoftmax.Bind(context, input.Matrix(rows, columns), input.Matrix(rows, columns), temperature, log);
        inPlace.Run(context.Accelerator.DefaultStream);
        Assert.Equal(result, input.Read());
        return result;
    }
}
