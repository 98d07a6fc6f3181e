using GpuDistill.TestKit;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.Kernels.Tests.Dense.Cuda;

/// <summary>
/// The emulated product of a warpgroup alone: operands that stand in shared memory where the PTX ISA ("Shared Memory Matrix Layout", 128-byte
/// swizzling) and CUTLASS say, and descriptors spelled out as numbers, without any of the product's layouts.
/// </summary>
public class WarpGroupTests
{
    private const int Lanes = WarpGroup.Threads;
    private const int Left = 2048, Right = 12 * 1024;
    private const int SharedBytes = 48 * 1024, StagedBytes = 64 * 1024;

    // In units of 16 bytes, all sixteenths of: blocks of 8 lines are 1024 bytes (64), columns of lines 2048 (128).
    private const ulong Mode = 0x4000_0000_0000_0000, Stride = 0x0000_0040_0000_0000, NoLeading = 0x0001_0000, Leading = 0x0080_0000;

    public enum Rule
    {
        Kept,
        NotOpened,
        OtherMode,
        BeyondTheMemory,
        OverwrittenEarly,
        TakenEarly,
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void A_warpgroup_multiplies_64_x_16_by_16_x_256(bool acrossLeft, bool acrossRight)
    {
        (float[] sums, float[] expected) = Run(acrossLeft, acrossRight, Rule.Kept);
        Assert.Equal(expected, sums);
    }

    [Theory]
    [InlineData(Rule.NotOpened)]
    [InlineData(Rule.OtherMode)]
    [InlineData(Rule.BeyondTheMemory)]
    [InlineData(Rule.OverwrittenEarly)]
    [InlineData(Rule.TakenEarly)]
    public void What_hardware_would_answer_with_anything_gives_no_numbers(Rule broken)
    {
        (float[] sums, _) = Run(false, true, broken);
        Assert.All(sums, sum => Assert.True(float.IsNaN(sum)));
    }

    [Fact]
    public void A_descriptor_has_its_fields_where_the_instruction_looks_for_them()
    {
        Assert.Equal(0x4000_0040_0001_0440ul, PanelDescriptor.Of(0x4400, 16, 1024));
        Assert.Equal(0x4000_0040_0200_2CC0ul, PanelDescriptor.Of(0x2CC00, 8192, 1024));
        Assert.Equal(0x4000_0040_0001_0442ul, PanelDescriptor.Further(PanelDescriptor.Of(0x4400, 16, 1024), 32));
    }

    private static (float[] Sums, float[] Expected) Run(bool acrossLeft, bool acrossRight, Rule rule)
    {
        KernelContext context = TestDevices.Get("cpu-256", KernelVariant.Cuda);
        // Small whole numbers: exact in bf16 and in every order of the sum.
        float[] a = [.. Enumerable.Range(0, 64 * 16).Select(i => (float)((i * 7 % 23) - 11))];
        float[] b = [.. Enumerable.Range(0, 16 * 256).Select(i => (float)((i * 5 % 19) - 9))];
        ushort[] memory = new ushort[SharedBytes / 2];
        for (int i = 0; i < a.Length; i++)
            memory[Place(Left, i / 16, i % 16, acrossLeft)] = ((BFloat16)a[i]).Bits;
        for (int i = 0; i < b.Length; i++)
            memory[Place(Right, i % 256, i / 256, acrossRight)] = ((BFloat16)b[i]).Bits;
        using GuardedBuffer<ushort> input = new(context, memory);
        using GuardedBuffer<float> output = new(context, 64 * 256);
        var kernel = context.Accelerator.LoadStreamKernel<ArrayView<ushort>, ArrayView<float>, int, int, int>(Multiply);
        SharedMemoryConfig shared = SharedMemoryConfig.RequestDynamic<byte>(SharedBytes + StagedBytes + 1024);
        kernel(new KernelConfig(1, Lanes, shared), input.View, output.View, acrossLeft ? 1 : 0, acrossRight ? 1 : 0, (int)rule);
        float[] expected = new float[64 * 256];
        for (int i = 0; i < expected.Length; i++)
            expected[i] = Enumerable.Range(0, 16).Sum(k => a[(i / 256 * 16) + k] * b[(k * 256) + (i % 256)]);
        return (output.Read(), expected);
    }

    // Elements of 2 bytes. Along terms: 8 rows of 128 bytes are a block. Across: 8 terms of 64 rows are, and another 8 terms the next block.
    private static int Place(int start, int row, int term, bool across)
    {
        int bytes = start + (across
            ? (row / 64 * 2048) + (term / 8 * 1024) + (term % 8 * 128) + (row % 64 * 2)
            : (row / 8 * 1024) + (row % 8 * 128) + (term * 2));
        return (bytes ^ (bytes / 128 % 8 * 16)) / 2;
    }

    private static void Multiply(ArrayView<ushort> input, ArrayView<float> output, int acrossLeft, int acrossRight, int rule)
    {
        ArrayView<Quad> all = SharedMemory.GetDynamic<Quad>();
        uint start = WarpGroup.Begin(ref all[0], SharedBytes + StagedBytes + 1024);
        uint address = (start + 1023) / 1024 * 1024;
        ArrayView<Quad> shared = all.SubView((int)(address - start) / 16);
        for (int i = Group.IdxX; i < input.Length; i += Lanes)
            shared.Cast<ushort>()[i] = input[i];
        Group.Barrier();
        WarpGroup.ShowCopies();
        if (rule != (int)Rule.NotOpened)
            WarpGroup.Open();
        uint beyond = rule == (int)Rule.BeyondTheMemory ? 128u * 1024 : 0;
        ulong mode = rule == (int)Rule.OtherMode ? 0x8000_0000_0000_0000 : Mode;
        WarpGroup.MultiplyAdd(
            ((address + Left) >> 4) | mode | Stride | (acrossLeft != 0 ? Leading : NoLeading),
            ((address + Right + beyond) >> 4) | mode | Stride | (acrossRight != 0 ? Leading : NoLeading),
            acrossLeft,
            acrossRight);
        WarpGroup.Commit();
        Group.Barrier();
        for (int i = Group.IdxX; i < input.Length && rule == (int)Rule.OverwrittenEarly; i += Lanes)
            shared.Cast<ushort>()[i] = 0x4040;
        Group.Barrier();
        if (rule != (int)Rule.TakenEarly)
            WarpGroup.WaitForAll();
        // Staged behind the operands, in lines of 256 floats.
        uint line = address + SharedBytes + (uint)(((Group.IdxX / 32 * 16) + (Group.IdxX % 32 / 4)) * 1024) + (uint)(Group.IdxX % 4 * 8);
        WarpGroup.StoreSums(line, line + 32, line + 64, line + 96);
        Group.Barrier();
        for (int i = Group.IdxX; i < output.Length; i += Lanes)
            output[i] = shared.Cast<float>()[(SharedBytes / 4) + i];
    }
}
