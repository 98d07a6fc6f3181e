using GpuDistill.TestKit;
using Xunit;
using Half = System.Half;

namespace GpuDistill.Kernels.Tests.Storage;

public class PrecisionCastTests
{
    public static TheoryData<string, KernelVariant> Variants => TestDevices.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void To_bf16_and_half_it_rounds_to_nearest_even(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        float[] values =
        [
            .. TestData.Uniform(1031, 1, 1),
            .. TestData.Uniform(513, 1e6f, 2),
            .. TestData.Uniform(257, 1e-6f, 3),
            0, -0f, 1, 65504, 65519.996f, 65520, -65520, 1e-40f, float.Epsilon, float.MaxValue, -float.MaxValue,
            float.PositiveInfinity, float.NegativeInfinity, 1 + (1f / 256), 1 + (3f / 256), 1 + (1f / 2048), 1 + (3f / 2048),
        ];
        float[] bf16 = [.. Cast<float, BFloat16>(context, values).Select(v => (float)v)];
        float[] half = [.. Cast<float, Half>(context, values).Select(v => (float)v)];
        for (int i = 0; i < values.Length; i++)
        {
            Assert.Equal(PrecisionCast.Reference(values[i], 8, -126, (255 / 128.0) * Math.ScaleB(1, 127)), bf16[i]);
            Assert.Equal(PrecisionCast.Reference(values[i], 11, -14, 65504), half[i]);
            Assert.Equal(float.IsNegative(values[i]), float.IsNegative(bf16[i]));
        }

        // Of either sign, and with no bit set in the half that stays; more than any vector has.
        float[] none = [.. new uint[] { 0x7FC00000, 0xFFC00000, 0x7F800001, 0xFF800001, 0x7FFFFFFF, 0xFFFFFFFF }.Select(BitConverter.UInt32BitsToSingle)];
        none = [.. none, .. none, .. none];
        Assert.All(Cast<float, BFloat16>(context, none), v => Assert.True(float.IsNaN((float)v)));
        Assert.All(Cast<float, Half>(context, none), v => Assert.True(Half.IsNaN(v)));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Between_any_two_neighbours_it_rounds_to_the_nearest(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        AssertRounds(Cast<float, Half>, half => (float)half, Around(bits => (float)BitConverter.UInt16BitsToHalf(bits), 0x7C00, 65520), 11, -14, 65504);
        AssertRounds(
            Cast<float, BFloat16>,
            bf16 => (float)bf16,
            Around(bits => (float)new BFloat16(bits), 0x7F80, BitConverter.UInt32BitsToSingle(0x7F7F8000)),
            8,
            -126,
            (255 / 128.0) * Math.ScaleB(1, 127));

        void AssertRounds<T>(
            Func<KernelContext, float[], T[]> cast, Func<T, float> widen, float[] values, int digits, int lowestExponent, double largest)
        {
            T[] rounded = cast(context, values);
            for (int i = 0; i < values.Length; i++)
                Assert.Equal(PrecisionCast.Reference(values[i], digits, lowestExponent, largest), widen(rounded[i]));
        }

        // Every value below infinity, what lies halfway to the next, and what is next to that.
        static float[] Around(Func<ushort, float> widen, int infinity, float last) =>
        [
            .. from bits in Enumerable.Range(0, infinity)
               let low = widen((ushort)bits)
               let tie = bits == infinity - 1 ? last : (low / 2) + (widen((ushort)(bits + 1)) / 2)
               from value in (float[])[low, MathF.BitDecrement(tie), tie, MathF.BitIncrement(tie), -MathF.BitDecrement(tie), -tie, -MathF.BitIncrement(tie)]
               select value,
        ];
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Any_number_of_values_is_copied_and_nothing_beyond_them(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        for (int length = 1; length <= 35; length++)
        {
            float[] values = [.. Enumerable.Range(1, length).Select(i => (i % 2 == 0 ? -0.25f : 0.5f) * i)]; // exact in both types
            Assert.Equal(values, Cast<float, BFloat16>(context, values).Select(v => (float)v));
            Assert.Equal(values, Cast<float, Half>(context, values).Select(v => (float)v));
            Assert.Equal(values, Cast<BFloat16, float>(context, [.. values.Select(v => (BFloat16)v)]));
            Assert.Equal(values, Cast<Half, float>(context, [.. values.Select(v => (Half)v)]));
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void To_single_precision_every_number_is_exact(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        ushort[] bits = [.. Enumerable.Range(0, 1 << 16).Select(i => (ushort)i)];
        float[] fromBFloat16 = Cast<BFloat16, float>(context, [.. bits.Select(b => new BFloat16(b))]);
        float[] fromHalf = Cast<Half, float>(context, [.. bits.Select(b => BitConverter.UInt16BitsToHalf(b))]);
        for (int i = 0; i < bits.Length; i++)
        {
            float bf16 = BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
            Assert.True(bf16.Equals(fromBFloat16[i]), $"bf16 {bits[i]:X4}: {fromBFloat16[i]}");
            Assert.True(((float)BitConverter.UInt16BitsToHalf(bits[i])).Equals(fromHalf[i]), $"half {bits[i]:X4}: {fromHalf[i]}");
        }
    }

    [Fact]
    public void The_half_of_ILGPU_has_the_same_bits_and_is_taken_too()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        float[] values = [0.1f, -65504, float.PositiveInfinity, 1e-7f];
        float[] expected = [.. Cast<float, Half>(context, values).Select(v => (float)v)];
        ILGPU.Half[] halves = Cast<float, ILGPU.Half>(context, values);
        Assert.Equal(expected, halves.Select(v => (float)v));
        Assert.Equal(expected, Cast<ILGPU.Half, float>(context, halves));
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GuardedBuffer<float> a = new(context, 8);
        using GuardedBuffer<BFloat16> b = new(context, 8);
        PrecisionCast.Bind(context, a.View, b.View).Dispose();
        Assert.Throws<ArgumentException>(() => PrecisionCast.Bind(context, a.View, b.View.SubView(0, 7)));
        Assert.Throws<ArgumentException>(() => PrecisionCast.Bind(context, a.View.SubView(0, 0), b.View.SubView(0, 0)));
        Assert.Throws<ArgumentException>(() => PrecisionCast.Bind(context, a.View.SubView(0, 4), a.View.Cast<BFloat16>().SubView(0, 4)));
        using GuardedBuffer<float> c = new(context, 8);
        NotSupportedException refused = Assert.Throws<NotSupportedException>(() => PrecisionCast.Bind(context, a.View, c.View));
        Assert.Contains("BFloat16", refused.Message, StringComparison.Ordinal);
    }

    private static TTarget[] Cast<TSource, TTarget>(KernelContext context, TSource[] values)
        where TSource : unmanaged
        where TTarget : unmanaged
    {
        using GuardedBuffer<TSource> source = new(context, values);
        using GuardedBuffer<TTarget> target = new(context, values.Length);
        using Launch launch = PrecisionCast.Bind(context, source.View, target.View);
        launch.Run(context.Accelerator.DefaultStream);
        Assert.Equal(values, source.Read("source"));
        return target.Read("target");
    }
}
