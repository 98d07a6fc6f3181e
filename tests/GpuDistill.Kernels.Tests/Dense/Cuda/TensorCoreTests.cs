using GpuDistill.TestKit;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense.Cuda;

/// <summary>
/// The emulated instructions against the tables of the PTX ISA, section "Matrix multiply-accumulate operation using mma instruction",
/// written down here a second time and used without any of the product's kernels.
/// </summary>
public class TensorCoreTests
{
    private const int Lanes = 32;

    // "Matrix Fragments for mma.m16n8k8", .tf32: row and column of element i of a lane.
    private static (int Row, int Column) A(int lane, int i) =>
        (i is 0 or 2 ? lane >> 2 : (lane >> 2) + 8, i is 0 or 1 ? lane % 4 : (lane % 4) + 4);

    private static (int Row, int Column) B(int lane, int i) => (i == 0 ? lane % 4 : (lane % 4) + 4, lane >> 2);

    private static (int Row, int Column) C(int lane, int i) => (i < 2 ? lane >> 2 : (lane >> 2) + 8, (lane % 4 * 2) + (i & 1));

    [Fact]
    public void A_warp_multiplies_16_x_8_by_8_x_8()
    {
        KernelContext context = TestDevices.Get("cpu-256", KernelVariant.Cuda);
        // Small whole numbers: exact in TF32 and in every order of the sum.
        float[] a = [.. Enumerable.Range(0, 128).Select(i => (float)((i * 7 % 23) - 11))];
        float[] b = [.. Enumerable.Range(0, 64).Select(i => (float)((i * 5 % 19) - 9))];
        float[] c = [.. Enumerable.Range(0, 128).Select(i => (float)((i * 3 % 17) - 8))];
        float[] operands = new float[Lanes * 10];
        for (int lane = 0; lane < Lanes; lane++)
        {
            for (int i = 0; i < 4; i++)
            {
                operands[(lane * 10) + i] = a[(A(lane, i).Row * 8) + A(lane, i).Column];
                operands[(lane * 10) + 6 + i] = c[(C(lane, i).Row * 8) + C(lane, i).Column];
            }

            for (int i = 0; i < 2; i++)
                operands[(lane * 10) + 4 + i] = b[(B(lane, i).Row * 8) + B(lane, i).Column];
        }

        using GuardedBuffer<float> input = new(context, operands);
        using GuardedBuffer<float> output = new(context, 128);
        var kernel = context.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>>(Multiply);
        kernel(new KernelConfig(1, Lanes), input.View, output.View);
        float[] sums = output.Read();
        for (int lane = 0; lane < Lanes; lane++)
        {
            for (int i = 0; i < 4; i++)
            {
                (int row, int column) = C(lane, i);
                float expected = c[(row * 8) + column] + Enumerable.Range(0, 8).Sum(k => a[(row * 8) + k] * b[(k * 8) + column]);
                Assert.Equal(expected, sums[(lane * 4) + i]);
            }
        }
    }

    [Fact]
    public void A_warp_loads_four_matrices_of_8_rows_that_its_lanes_name()
    {
        KernelContext context = TestDevices.Get("cpu-256", KernelVariant.Cuda);
        float[] values = [.. Enumerable.Range(0, Lanes * 4).Select(i => (float)i)];
        using GuardedBuffer<float> input = new(context, values);
        using GuardedBuffer<float> output = new(context, Lanes * 4);
        var kernel = context.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>>(Load);
        kernel(new KernelConfig(1, Lanes), input.View, output.View);
        float[] loaded = output.Read();
        for (int lane = 0; lane < Lanes; lane++)
        {
            // Lane l names row 31 - l, so row r of matrix m, which lane 8 m + r names, is row 31 - 8 m - r of the input.
            for (int m = 0; m < 4; m++)
                Assert.Equal(values[((31 - (8 * m) - (lane / 4)) * 4) + (lane % 4)], loaded[(lane * 4) + m]);
        }
    }

    [Fact]
    public void A_warp_multiplies_16_x_16_by_16_x_8_in_bf16()
    {
        KernelContext context = TestDevices.Get("cpu-256", KernelVariant.Cuda);
        float[] a = [.. Enumerable.Range(0, 256).Select(i => (float)((i * 7 % 23) - 11))];
        float[] b = [.. Enumerable.Range(0, 128).Select(i => (float)((i * 5 % 19) - 9))];
        float[] c = [.. Enumerable.Range(0, 128).Select(i => (float)((i * 3 % 17) - 8))];
        uint[] operands = new uint[Lanes * 6];
        float[] sums = new float[Lanes * 4];
        for (int lane = 0; lane < Lanes; lane++)
        {
            // "Matrix Fragments for mma.m16n8k16", .bf16: element i of 8 of a, of 4 of b; two in a register, the first in its lower half.
            for (int i = 0; i < 8; i++)
            {
                int row = i is < 2 or 4 or 5 ? lane >> 2 : (lane >> 2) + 8;
                int column = (lane % 4 * 2) + (i & 1) + (i < 4 ? 0 : 8);
                operands[(lane * 6) + (i / 2)] |= (uint)((BFloat16)a[(row * 16) + column]).Bits << (16 * (i & 1));
            }

            for (int i = 0; i < 4; i++)
            {
                int row = (lane % 4 * 2) + (i & 1) + (i < 2 ? 0 : 8);
                operands[(lane * 6) + 4 + (i / 2)] |= (uint)((BFloat16)b[(row * 8) + (lane >> 2)]).Bits << (16 * (i & 1));
                sums[(lane * 4) + i] = c[(C(lane, i).Row * 8) + C(lane, i).Column];
            }
        }

        using GuardedBuffer<uint> input = new(context, operands);
        using GuardedBuffer<float> start = new(context, sums);
        using GuardedBuffer<float> output = new(context, Lanes * 4);
        var kernel = context.Accelerator.LoadStreamKernel<ArrayView<uint>, ArrayView<float>, ArrayView<float>>(MultiplyBFloat16);
        kernel(new KernelConfig(1, Lanes), input.View, start.View, output.View);
        float[] results = output.Read();
        for (int lane = 0; lane < Lanes; lane++)
        {
            for (int i = 0; i < 4; i++)
            {
                (int row, int column) = C(lane, i);
                float expected = c[(row * 8) + column] + Enumerable.Range(0, 16).Sum(k => a[(row * 16) + k] * b[(k * 8) + column]);
                Assert.Equal(expected, results[(lane * 4) + i]);
            }
        }
    }

    [Fact]
    public void Transposed_matrices_have_two_rows_of_a_column_in_a_word()
    {
        KernelContext context = TestDevices.Get("cpu-256", KernelVariant.Cuda);
        ushort[] values = [.. Enumerable.Range(0, Lanes * 8).Select(i => (ushort)i)];
        using GuardedBuffer<ushort> input = new(context, values);
        using GuardedBuffer<uint> output = new(context, Lanes * 4);
        var kernel = context.Accelerator.LoadStreamKernel<ArrayView<ushort>, ArrayView<uint>>(LoadTransposed);
        kernel(new KernelConfig(1, Lanes), input.View, output.View);
        uint[] loaded = output.Read();
        for (int lane = 0; lane < Lanes; lane++)
        {
            // As above, row r of matrix m is row 31 - 8 m - r of the input; it has 8 numbers.
            for (int m = 0; m < 4; m++)
            {
                int even = ((31 - (8 * m) - (lane % 4 * 2)) * 8) + (lane / 4);
                Assert.Equal(values[even] | ((uint)values[even - 8] << 16), loaded[(lane * 4) + m]);
            }
        }
    }

    [Theory]
    [InlineData(1f, 1f)]
    [InlineData(1f + (1f / 1024), 1f + (1f / 1024))]
    [InlineData(1f + (1f / 2048), 1f + (1f / 1024))] // a tie, away from 0
    [InlineData(-1f - (1f / 2048), -1f - (1f / 1024))]
    [InlineData(1f + (1f / 4096), 1f)]
    [InlineData(1.9999999f, 2f)]
    [InlineData(0f, 0f)]
    [InlineData(float.MaxValue, float.PositiveInfinity)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity, float.NegativeInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Rounding_keeps_10_bits_of_mantissa(float value, float expected)
    {
        uint rounded = TensorCore.RoundToTf32(BitConverter.SingleToUInt32Bits(value));
        Assert.Equal(expected, BitConverter.UInt32BitsToSingle(rounded));
        // Also where the tensor cores look at the upper 19 bits only.
        Assert.Equal(expected, BitConverter.UInt32BitsToSingle(rounded & 0xFFFFE000));
    }

    [Fact]
    public void Any_NaN_stays_one()
    {
        foreach (uint bits in (uint[])[0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001, 0xFFC00000])
            Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle(TensorCore.RoundToTf32(bits) & 0xFFFFE000)));
    }

    private static void Multiply(ArrayView<float> operands, ArrayView<float> results)
    {
        int first = Group.IdxX * 10;
        ArrayView<uint> bits = operands.Cast<uint>();
        Quad sums = new() { X = operands[first + 6], Y = operands[first + 7], Z = operands[first + 8], W = operands[first + 9] };
        sums = TensorCore.MultiplyAddTf32(
            sums,
            TensorCore.RoundToTf32(bits[first]),
            TensorCore.RoundToTf32(bits[first + 1]),
            TensorCore.RoundToTf32(bits[first + 2]),
            TensorCore.RoundToTf32(bits[first + 3]),
            TensorCore.RoundToTf32(bits[first + 4]),
            TensorCore.RoundToTf32(bits[first + 5]));
        results.Cast<Quad>()[Group.IdxX] = sums;
    }

    private static void MultiplyBFloat16(ArrayView<uint> operands, ArrayView<float> sums, ArrayView<float> results)
    {
        int first = Group.IdxX * 6;
        results.Cast<Quad>()[Group.IdxX] = TensorCore.MultiplyAddBFloat16(
            sums.Cast<Quad>()[Group.IdxX],
            operands[first],
            operands[first + 1],
            operands[first + 2],
            operands[first + 3],
            operands[first + 4],
            operands[first + 5]);
    }

    private static void LoadTransposed(ArrayView<ushort> rows, ArrayView<uint> results) =>
        results.Cast<FragmentWords>()[Group.IdxX] = TensorCore.LoadTransposedMatrices(ref rows.Cast<Quad>()[31 - Group.IdxX]);

    private static void Load(ArrayView<float> rows, ArrayView<float> results) =>
        results.Cast<FragmentWords>()[Group.IdxX] = TensorCore.LoadMatrices(ref rows.Cast<Quad>()[31 - Group.IdxX]);
}
