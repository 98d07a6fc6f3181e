using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Data;

public class BatchGatherTests
{
    // (images, height, width, subset, batch): one pixel, odd sides, tails of every vector width, whole Philox blocks and one
    // more, batches larger than the data set.
    private static readonly (int Images, int Height, int Width, int Subset, int Batch)[] Shapes =
        [(1, 1, 1, 0, 1), (2, 1, 5, 0, 5), (7, 3, 5, 0, 3), (13, 4, 16, 5, 4), (5, 5, 13, 0, 7), (17, 9, 7, 3, 8), (31, 8, 8, 0, 13), (11, 28, 28, 0, 3)];

    private static readonly BatchOptions[] Options =
    [
        new() { Seed = 1, Shuffle = false },
        new() { Seed = 2, Shuffle = false, Wrap = false },
        new() { Seed = 0x1234567890ABCDEF },
        new() { Seed = 3, Jitter = 1 },
        new() { Seed = 4, Jitter = 3, Wrap = false },
        new() { Seed = 5, InputDropout = 0.2f },
        new() { Seed = 6, Jitter = 2, InputDropout = 0.5f },
    ];

    public static TheoryData<string, KernelVariant> Variants => TestDevices.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        foreach ((int images, int height, int width, int subset, int batch) in Shapes)
        {
            using GatherCase data = new(context, images, height, width, subset, batch);
            foreach (BatchOptions options in Options)
            {
                if (options.Jitter >= Math.Min(height, width) && options.Jitter > 0)
                    continue;
                foreach (long step in (long[])[0, 1, 5, 1_000_003])
                    data.CheckStep(options, step);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void All_devices_and_variants_give_the_same_bits(string device, KernelVariant variant)
    {
        BatchOptions options = new() { Seed = 9, Jitter = 2, InputDropout = 0.3f };
        using GatherCase data = new(TestDevices.Get(device, variant), 19, 11, 9, 0, 6);
        using GatherCase simplest = new(TestDevices.Get("cpu", KernelVariant.Simd128), 19, 11, 9, 0, 6);
        Assert.Equal(simplest.Run(options, 4), data.Run(options, 4));
        Assert.Equal(data.Run(options, 4), data.Run(options, 4));
    }

    [Fact]
    public void Images_are_of_the_types_of_layers()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GatherCase data = new(context, 4, 3, 5, 2, 3);
        BatchTarget<System.Half> target = new() { Images = new(data.Target.Images.Data.Cast<System.Half>(), 3, 15), Rows = data.Target.Rows };
        NotSupportedException refused = Assert.Throws<NotSupportedException>(() => BatchGather.Bind(context, data.Source, data.Clock, target));
        Assert.Equal("BatchGather works on matrices of float and BFloat16, not of System.Half.", refused.Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void The_number_of_threads_changes_no_bit(int threads)
    {
        BatchOptions options = new() { Seed = 9, Jitter = 2, InputDropout = 0.3f };
        KernelContext shared = TestDevices.Get("cpu", KernelVariant.Auto);
        using KernelContext context = new(shared.Accelerator, KernelVariant.Auto, threads);
        using GatherCase data = new(context, 19, 11, 9, 0, 5);
        using GatherCase expected = new(shared, 19, 11, 9, 0, 5);
        Assert.Equal(expected.Run(options, 3), data.Run(options, 3));
    }

    [Fact]
    public void Every_epoch_holds_each_row_once_in_an_order_of_its_own()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        const int Images = 60;
        using GatherCase data = new(context, Images, 1, 1, 0, 20);
        HashSet<string> orders = [];
        for (int epoch = 0; epoch < 50; epoch++)
        {
            List<int> rows = [];
            for (int batch = 0; batch < 3; batch++)
                rows.AddRange(data.Rows(new() { Seed = 7 }, (epoch * 3) + batch));
            Assert.Equal(Enumerable.Range(0, Images), rows.Order());
            Assert.True(orders.Add(string.Join(',', rows)), $"Epoch {epoch} has the order of an earlier one.");
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void There_are_no_rows_before_the_first_step(string device, KernelVariant variant)
    {
        using GatherCase data = new(TestDevices.Get(device, variant), 7, 3, 5, 0, 4);
        data.CheckStep(new() { Seed = 7 }, -1);
    }

    [Fact]
    public void Jitter_and_dropout_are_as_frequent_as_they_should_be()
    {
        // One white pixel in the middle: where it lands is the shift.
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        const int Side = 5;
        const int Batch = 5000;
        byte[] pixels = new byte[Side * Side];
        pixels[12] = 255;
        using GatherCase data = new(context, pixels, Side, Side, Batch);
        int[] hits = new int[Side * Side];
        float[] images = data.Run(new() { Seed = 8, Jitter = 2 }, 0);
        for (int i = 0; i < images.Length; i++)
            hits[i % (Side * Side)] += images[i] > 0 ? 1 : 0;
        Assert.Equal(Batch, hits.Sum());

        // Chi-square over 25 places, 24 degrees of freedom: above 60 once in 10^5 seeds.
        double expected = (double)Batch / (Side * Side);
        Assert.True(hits.Sum(h => (h - expected) * (h - expected) / expected) < 60);

        images = data.Run(new() { Seed = 8, InputDropout = 0.2f }, 0);
        int kept = images.Count(v => v > 0);
        Assert.All(images, v => Assert.True(v is 0 or 1.25f));
        // Standard deviation sqrt(5000 * 0.16) = 28.
        Assert.InRange(kept, 4000 - 140, 4000 + 140);
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Auto);
        using GatherCase data = new(context, 4, 3, 5, 2, 3);
        using GuardedBuffer<int> wrongSubset = new(context, [0, 4]);
        BatchSource source = data.Source;
        BatchTarget<float> target = data.Target;
        void Refuse<T>(string part, BatchSource? s = null, BatchTarget<float>? t = null, BatchOptions? o = null)
            where T : ArgumentException
        {
            T exception = Assert.Throws<T>(() => BatchGather.Bind(context, s ?? source, data.Clock, t ?? target, o));
            Assert.Contains(part, exception.Message, StringComparison.Ordinal);
        }

        Refuse<ArgumentOutOfRangeException>("Height", source with { Height = 0 });
        Refuse<ArgumentOutOfRangeException>("Width", source with { Width = -1 });
        Refuse<ArgumentException>("60 bytes; it must have 14", source with { Height = 2, Width = 7 });
        Refuse<ArgumentException>("at least one", t: target with { Images = target.Images.Top(0) });
        Refuse<ArgumentException>("too large", source with { Height = 1 << 20, Width = 1 << 20 });
        Refuse<ArgumentException>("Labels", source with { Labels = source.Labels.SubView(0, 3) });
        Refuse<ArgumentException>("row 4; the data set has rows 0 to 3", source with { Subset = wrongSubset.View });
        Refuse<ArgumentException>("Rows", t: target with { Rows = target.Rows.SubView(0, 2) });
        Refuse<ArgumentException>("Labels", t: target with { Labels = target.Labels.SubView(0, 2) });
        Refuse<ArgumentException>("apart", t: target with { Labels = target.Rows });
        Refuse<ArgumentException>("[3 x 14]", t: target with { Images = new(target.Images.Data, 3, 14) });
        foreach (int jitter in (int[])[-1, 3, int.MaxValue])
            Refuse<ArgumentOutOfRangeException>("Jitter", o: new() { Jitter = jitter });
        foreach (float rate in (float[])[-0.1f, 1, float.NaN])
            Refuse<ArgumentOutOfRangeException>("InputDropout", o: new() { InputDropout = rate });
        Assert.Throws<ArgumentException>(() => BatchGather.Bind(context, source, data.Clock.SubView(0, 0), target));
    }
}
