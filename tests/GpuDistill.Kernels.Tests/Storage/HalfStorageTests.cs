using GpuDistill.TestKit;
using ILGPU;
using Xunit;
using Half = System.Half;

namespace GpuDistill.Kernels.Tests.Storage;

/// <summary>Half precision is converted by each device's own instructions, and to the same bits.</summary>
public class HalfStorageTests
{
    public static TheoryData<string, KernelVariant> Devices =>
        [.. TestDevices.Variants.Where(row => row.Data.Item2 == KernelVariant.Portable)];

    [Theory]
    [MemberData(nameof(Devices))]
    public void Every_half_widens_to_its_value(string device, KernelVariant variant)
    {
        ushort[] halves = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)];
        (float[] wide, ushort[] rounded) = Convert(TestDevices.Get(device, variant), halves, [.. halves.Select(HalfStorage.Widen)]);
        for (int i = 0; i < halves.Length; i++)
        {
            Half half = BitConverter.UInt16BitsToHalf(halves[i]);
            if (Half.IsNaN(half))
            {
                Assert.True(float.IsNaN(wide[i]));
                Assert.True(Half.IsNaN(BitConverter.UInt16BitsToHalf(rounded[i])));
                continue;
            }

            Assert.Equal(BitConverter.SingleToUInt32Bits((float)half), BitConverter.SingleToUInt32Bits(wide[i]));
            Assert.Equal(halves[i], rounded[i]);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Numbers_round_to_the_nearest_half_and_to_even_in_ties(string device, KernelVariant variant)
    {
        // What lies halfway between neighbouring halves, and next to it; what overflows, what vanishes, and anything.
        List<float> values = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, float.Epsilon, -float.Epsilon];
        for (int bits = 0; bits < 0x7C00; bits++)
        {
            float low = HalfStorage.Widen((ushort)bits);
            float tie = bits == 0x7BFF ? 65520 : (low + HalfStorage.Widen((ushort)(bits + 1))) / 2;
            values.AddRange([low, MathF.BitDecrement(tie), tie, MathF.BitIncrement(tie), -MathF.BitDecrement(tie), -tie, -MathF.BitIncrement(tie)]);
        }

        Random random = new(11);
        for (int i = 0; i < 200_000; i++)
            values.Add(BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32)));
        (_, ushort[] rounded) = Convert(TestDevices.Get(device, variant), new ushort[values.Count], [.. values]);
        for (int i = 0; i < rounded.Length; i++)
        {
            if (float.IsNaN(values[i]))
                Assert.True(Half.IsNaN(BitConverter.UInt16BitsToHalf(rounded[i])));
            else
                Assert.Equal(BitConverter.HalfToUInt16Bits((Half)values[i]), rounded[i]);
        }
    }

    private static (float[] Wide, ushort[] Rounded) Convert(KernelContext context, ushort[] halves, float[] numbers)
    {
        using GuardedBuffer<ushort> halfBuffer = new(context, halves);
        using GuardedBuffer<float> numberBuffer = new(context, numbers);
        using GuardedBuffer<float> wide = new(context, halves.Length);
        using GuardedBuffer<ushort> rounded = new(context, numbers.Length);
        Arguments arguments = new() { Halves = halfBuffer.View, Numbers = numberBuffer.View, Wide = wide.View, Rounded = rounded.View };
        int size = context.GroupSize(RowTeam.MaxGroupSize);
        using Launch launch = context.BindKernel("conversion", Kernel, context.GroupsFor(halves.Length, size), size, arguments);
        launch.Run(context.Accelerator.DefaultStream);
        return (wide.Read(), rounded.Read());
    }

    public struct Arguments
    {
        public ArrayView<ushort> Halves;
        public ArrayView<float> Numbers;
        public ArrayView<float> Wide;
        public ArrayView<ushort> Rounded;
    }

    [KernelEntry]
    internal static void Kernel(Arguments a)
    {
        for (int i = (Grid.IdxX * Group.DimX) + Group.IdxX; i < a.Halves.IntLength; i += Grid.DimX * Group.DimX)
        {
            a.Wide[i] = HalfStorage.Widen(a.Halves[i]);
            a.Rounded[i] = HalfStorage.Round(a.Numbers[i]);
        }
    }
}
