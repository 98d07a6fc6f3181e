using GpuDistill.TestKit;
using ILGPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Data;

/// <summary>A small data set on a device, a batch to gather it into, and the reference's answer.</summary>
internal sealed class GatherCase : IDisposable
{
    private readonly KernelContext _context;
    private readonly byte[] _pixels;
    private readonly int[] _labels;
    private readonly int[] _subset;
    private readonly int _batch;
    private readonly GuardedBuffer<byte> _devicePixels;
    private readonly GuardedBuffer<int> _deviceLabels;
    private readonly GuardedBuffer<int> _deviceSubset;
    private readonly GuardedBuffer<float> _images;
    private readonly GuardedBuffer<BFloat16> _rounded;
    private readonly GuardedBuffer<int> _rows;
    private readonly GuardedBuffer<int> _batchLabels;
    private readonly GuardedBuffer<StepState> _clock;

    public GatherCase(KernelContext context, int images, int height, int width, int subset, int batch)
        : this(context, RandomPixels(images * height * width), height, width, batch, subset)
    {
    }

    public GatherCase(KernelContext context, byte[] pixels, int height, int width, int batch, int subset = 0)
    {
        int count = pixels.Length / (height * width);
        _context = context;
        _pixels = pixels;
        _batch = batch;
        _labels = [.. Enumerable.Range(0, count).Select(i => i % 10)];
        _subset = [.. Enumerable.Range(0, subset).Select(i => count - 1 - (i * 2))];
        _devicePixels = new(context, pixels);
        _deviceLabels = new(context, _labels);
        _deviceSubset = new(context, _subset);
        _images = new(context, batch * height * width);
        _rounded = new(context, batch * height * width);
        _rows = new(context, batch);
        _batchLabels = new(context, batch);
        _clock = new(context, 1);
        Source = new()
        {
            Pixels = _devicePixels.View,
            Height = height,
            Width = width,
            Labels = _deviceLabels.View,
            Subset = subset > 0 ? _deviceSubset.View : ArrayView<int>.Empty,
        };
        Target = new() { Images = _images.Matrix(batch, height * width), Rows = _rows.View, Labels = _batchLabels.View };
    }

    public BatchSource Source { get; }

    public BatchTarget<float> Target { get; }

    public ArrayView<StepState> Clock => _clock.View;

    /// <summary>The images of a step, gathered into buffers full of NaN.</summary>
    public float[] Run(BatchOptions options, long step) => Run(Source, Target, options, step);

    /// <summary>The same images gathered as bf16.</summary>
    public BFloat16[] RunRounded(BatchOptions options, long step)
    {
        _rounded.Write([.. Enumerable.Repeat((BFloat16)float.NaN, (int)_rounded.Length)]);
        BatchTarget<BFloat16> target = new()
        {
            Images = _rounded.Matrix(_batch, Source.Height * Source.Width),
            Rows = Target.Rows,
            Labels = Target.Labels,
        };
        Run(Source, target, options, step);
        return _rounded.Read();
    }

    /// <summary>The row numbers of a step.</summary>
    public int[] Rows(BatchOptions options, long step)
    {
        Run(options, step);
        return _rows.Read();
    }

    /// <summary>Gathers with labels, without the data set's, and without wanting any; all must agree with the reference.</summary>
    public void CheckStep(BatchOptions options, long step)
    {
        string what = $"{Source.Height} x {Source.Width}, batch {_batch}, subset {_subset.Length}, {options}, step {step}";
        BatchGather.ReferenceBatch expected =
            BatchGather.Reference(_pixels, Source.Height, Source.Width, _labels, _subset, _batch, step, options);
        float[] images = Run(options, step);
        Tolerance.ScaledPixel.Check(expected.Images, images, what);
        Assert.Equal(expected.Rows, _rows.Read(what));
        Assert.Equal(expected.Labels, _batchLabels.Read(what));

        Assert.Equal(images.Select(value => (BFloat16)value), RunRounded(options, step));
        Assert.Equal(expected.Rows, _rows.Read(what));
        Assert.Equal(expected.Labels, _batchLabels.Read(what));

        Run(Source with { Labels = ArrayView<int>.Empty }, Target, options, step);
        Assert.All(_batchLabels.Read(what), label => Assert.Equal(-100, label));

        int[] untouched = [.. Enumerable.Repeat(77, _batch)];
        _batchLabels.Write(untouched);
        Assert.Equal(images, Run(Source, Target with { Labels = ArrayView<int>.Empty }, options, step));
        Assert.Equal(untouched, _batchLabels.Read(what));
        Assert.Equal(_pixels, _devicePixels.Read(what));
    }

    public void Dispose()
    {
        _devicePixels.Dispose();
        _deviceLabels.Dispose();
        _deviceSubset.Dispose();
        _images.Dispose();
        _rounded.Dispose();
        _rows.Dispose();
        _batchLabels.Dispose();
        _clock.Dispose();
    }

    private static byte[] RandomPixels(int length)
    {
        byte[] pixels = new byte[length];
        new Random(length).NextBytes(pixels);
        return pixels;
    }

    private float[] Run<T>(BatchSource source, BatchTarget<T> target, BatchOptions options, long step)
        where T : unmanaged
    {
        _clock.Write([new StepState { Step = step }]);
        _images.Write([.. Enumerable.Repeat(float.NaN, (int)_images.Length)]);
        using Launch launch = BatchGather.Bind(_context, source, Clock, target, options);
        launch.Run(_context.Accelerator.DefaultStream);
        return _images.Read();
    }
}
