using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>
/// A data set on the device, images as bytes: batches are gathered, scaled and jittered there. A subset shares the images
/// and keeps their row numbers.
/// </summary>
public sealed class ResidentImages : IDisposable
{
    private readonly MemoryBuffer1D<byte, Stride1D.Dense> _pixels;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _labels;
    private readonly MemoryBuffer1D<int, Stride1D.Dense>? _subset;
    private readonly int[]? _subsetRows;

    /// <summary>Copies a data set to a device.</summary>
    public ResidentImages(DistillDevice device, ImageDataset dataset)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(dataset);
        device.ThrowIfDisposed();
        if (dataset.Count == 0)
            throw new ArgumentException($"The data set '{dataset.Name}' has no images.", nameof(dataset));
        Device = device;
        Dataset = dataset;
        BufferGroup buffers = new(device.Accelerator);
        _pixels = buffers.Allocate(dataset.Pixels);
        _labels = buffers.Allocate(dataset.Labels);
        Length = dataset.Count;
        device.Accelerator.DefaultStream.Synchronize();
    }

    private ResidentImages(ResidentImages whole, int[] rows)
    {
        Device = whole.Device;
        Dataset = whole.Dataset;
        _pixels = whole._pixels;
        _labels = whole._labels;
        _subsetRows = rows;
        _subset = Device.Accelerator.Allocate1D(rows);
        Length = rows.Length;
        Device.Accelerator.DefaultStream.Synchronize();
    }

    /// <summary>The device.</summary>
    public DistillDevice Device { get; }

    /// <summary>The data set on the host.</summary>
    public ImageDataset Dataset { get; }

    /// <summary>Rows of the whole data set; row numbers are below this.</summary>
    public int Count => Dataset.Count;

    /// <summary>Rows that take part: those of the subset, or all.</summary>
    public int Length { get; }

    /// <summary>Whether only some rows take part.</summary>
    public bool IsSubset => _subset is not null;

    /// <summary>The row numbers that take part, in order.</summary>
    public IEnumerable<int> Rows => _subsetRows ?? Enumerable.Range(0, Count);

    /// <exception cref="ObjectDisposedException">The images, or those that this is a subset of, were disposed.</exception>
    internal BatchSource Source
    {
        get
        {
            ThrowIfDisposed();
            return new()
            {
                Pixels = _pixels.View,
                Height = Dataset.Height,
                Width = Dataset.Width,
                Labels = _labels.View,
                Subset = _subset is null ? ArrayView<int>.Empty : _subset.View,
            };
        }
    }

    /// <summary>The same images restricted to some rows, for instance a transfer set without one class.</summary>
    /// <exception cref="ArgumentException">No rows, or one that is out of range.</exception>
    public ResidentImages Subset(IReadOnlyList<int> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ThrowIfDisposed();
        if (rows.Count == 0)
            throw new ArgumentException("The subset is empty.", nameof(rows));
        foreach (int row in rows)
        {
            if (row < 0 || row >= Count)
                throw new ArgumentException($"Row {row} is not in 0 to {Count - 1}.", nameof(rows));
        }

        return new ResidentImages(this, [.. rows]);
    }

    /// <summary>Frees the device's memory; of a subset, only its row numbers.</summary>
    public void Dispose()
    {
        if (_subset is not null)
        {
            _subset.Dispose();
            return;
        }

        _pixels.Dispose();
        _labels.Dispose();
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_pixels.IsDisposed || _subset is { IsDisposed: true }, this);

    /// <summary>Which images, to the byte, and which of their rows: what a checkpoint belongs to.</summary>
    internal string Describe()
    {
        string all = $"{Dataset} ({Dataset.Fingerprint})";
        return _subsetRows is null ? all : $"{_subsetRows.Length} rows ({HostCopies.Fingerprint([_subsetRows])}) of {all}";
    }

    internal void CheckFits(Network network)
    {
        ThrowIfDisposed();
        network.ThrowIfDisposed();
        if (network.Device != Device)
            throw new ArgumentException(DistillDevice.Apart("The network is", network.Device, "the images are", Device));
        if (network.Shape.Inputs != Dataset.Height * Dataset.Width)
        {
            throw new ArgumentException(
                $"The network {network.Shape} takes {network.Shape.Inputs} inputs; an image of '{Dataset.Name}' has {Dataset.Height} x {Dataset.Width} = {Dataset.Height * Dataset.Width}.");
        }
    }

    internal void CheckLabels(int classes)
    {
        foreach (int row in Rows)
        {
            int label = Dataset.Labels[row];
            if (ImageDataset.IsOutOfRange(label, classes))
                throw new ArgumentException($"Row {row} of '{Dataset.Name}' has the label {label}; the network has {classes} classes, 0 to {classes - 1}.");
        }
    }

    /// <summary>Throws if a row of these images was left out of a loss; of a label out of range the device has the value.</summary>
    /// <param name="totals">What the loss says.</param>
    /// <param name="byRow">Whether it numbers rows as these images do; else as a batch of them.</param>
    /// <param name="classes">The number of classes.</param>
    /// <exception cref="InvalidRowException">Names the row.</exception>
    internal void ThrowIfInvalid(LossTotals totals, bool byRow, int classes)
    {
        if (totals.InvalidRow is not int invalid)
            return;
        string name = $"'{Dataset.Name}'";
        if (totals.InvalidReason == (int)InvalidRowReason.Label)
        {
            ArrayView<int> view = _labels.View;
            int[] labels = view.ToHost(Device);
            foreach (int row in byRow ? [invalid] : Rows)
            {
                if (ImageDataset.IsOutOfRange(labels[row], classes))
                    throw new InvalidRowException(row, labels[row], classes, name);
            }
        }

        totals.ThrowIfInvalid(byRow ? name : "the batch");
    }
}
