using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>
/// The buffers of one batch, allocated once: row numbers, labels, and the step they follow from. Its images are gathered into whatever they
/// go through.
/// </summary>
internal sealed class Batch : IDisposable
{
    private readonly ResidentImages _source;
    private readonly BufferGroup _buffers;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _rows;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _labels;
    private readonly MemoryBuffer1D<StepState, Stride1D.Dense> _clock;

    public Batch(ResidentImages source, int size)
    {
        _source = source;
        _buffers = new BufferGroup(source.Device.Accelerator);
        _rows = _buffers.Allocate<int>(size);
        _labels = _buffers.Allocate<int>(size);
        _clock = _buffers.Allocate<StepState>(1);
        Size = size;
    }

    public int Size { get; }

    public ArrayView<int> Rows => _rows.View;

    public ArrayView<int> Labels => _labels.View;

    public ArrayView<StepState> Clock => _clock.View;

    /// <summary>Sets the clock so that its next advance begins <paramref name="step"/>.</summary>
    public void StartBefore(long step) => Clock.FromHost(_source.Device, [StepClock.Before(step)]);

    public Launch BindClock(LearningRateSchedule schedule) => StepClock.Bind(_source.Device.Kernels, Clock, schedule);

    /// <param name="images">Receives the images, [B x pixels].</param>
    /// <param name="options">Seed, order, jitter and dropout.</param>
    public Launch BindGather<T>(Matrix<T> images, BatchOptions options)
        where T : unmanaged
    {
        BatchTarget<T> target = new() { Images = images, Rows = Rows, Labels = Labels };
        return BatchGather.Bind(_source.Device.Kernels, _source.Source, Clock, target, options);
    }

    public void Dispose() => _buffers.Dispose();
}
