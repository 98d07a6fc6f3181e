using System.CommandLine;

namespace GpuDistill.Cli;

/// <summary>Which of the images are trained on, and which tell how well it went.</summary>
internal sealed class SplitOptions
{
    private readonly Option<int?> _images = OptionFactory.OptionalNumber<int>(
        "--images", "N", "Train on the first N images only.", n => n >= 1, "a whole number of at least 1");

    private readonly Option<int?> _validation = OptionFactory.OptionalNumber<int>(
        "--validation", "N", "Keep the last N training images out of training and count errors on them instead of the test images.",
        n => n >= 1, "a whole number of at least 1");

    public SplitOptions AddTo(Command command)
    {
        command.Add(_images);
        command.Add(_validation);
        return this;
    }

    /// <summary>How many of the training images are trained on.</summary>
    public int Count(ParseResult parsed, ImageDataset all)
    {
        int validation = parsed.GetValue(_validation) ?? 0;
        if (validation >= all.Count)
            throw new InputException($"--validation must be below the {all.Count} training images; it is '{validation}'.");
        int rest = all.Count - validation;
        int images = parsed.GetValue(_images) ?? rest;
        if (images > rest)
            throw new InputException($"--images must be at most the {rest} images there are to train on; it is '{images}'.");
        return images;
    }

    /// <summary>Copies the images to a device.</summary>
    public ImageSplit Load(ParseResult parsed, DataSource data, DistillDevice device) =>
        new(device, data, Count(parsed, data.Train), parsed.GetValue(_validation) ?? 0);
}

/// <summary>
/// The training images on a device, those of them that are trained on, and those that the result is measured on. Row numbers
/// are those of all training images, so that teacher logits fit whatever the split.
/// </summary>
internal sealed class ImageSplit : IDisposable
{
    private readonly DistillDevice _device;
    private readonly DataSource _data;
    private readonly int _validation;
    private ResidentImages? _measured;

    public ImageSplit(DistillDevice device, DataSource data, int images, int validation)
    {
        _device = device;
        _data = data;
        _validation = validation;
        All = new ResidentImages(device, data.Train);
        Train = images == All.Count ? All : All.Subset([.. Enumerable.Range(0, images)]);
    }

    /// <summary>All training images.</summary>
    public ResidentImages All { get; }

    /// <summary>Those trained on.</summary>
    public ResidentImages Train { get; }

    /// <summary>What the result is measured on.</summary>
    public string MeasuredOn => _validation > 0 ? "validation" : "test";

    /// <summary>Measures a network on the validation or test images.</summary>
    public Evaluation Measure(Network network, CancellationToken cancellation)
    {
        _measured ??= _validation > 0
            ? All.Subset([.. Enumerable.Range(All.Count - _validation, _validation)])
            : new ResidentImages(_device, _data.Test);
        return Evaluation.Of(network, _measured, cancellation);
    }

    public void Dispose()
    {
        _measured?.Dispose();
        if (Train != All)
            Train.Dispose();
        All.Dispose();
    }
}
