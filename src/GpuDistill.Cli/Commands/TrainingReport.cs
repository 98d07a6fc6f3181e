namespace GpuDistill.Cli;

/// <summary>What train and distill found out: result.json, and with --json standard output.</summary>
internal sealed record TrainingReport
{
    public required string Command { get; init; }

    public required string Device { get; init; }

    public required string Layers { get; init; }

    public required string Activation { get; init; }

    public required long Parameters { get; init; }

    public required ulong Seed { get; init; }

    public required int Epochs { get; init; }

    public required long Steps { get; init; }

    public required int TrainingImages { get; init; }

    public double Seconds { get; init; }

    public double ImagesPerSecond { get; init; }

    public double? TrainingLoss { get; init; }

    /// <summary>test or validation.</summary>
    public string? MeasuredOn { get; init; }

    public int Images { get; init; }

    public int Errors { get; init; }

    public double? CrossEntropy { get; init; }

    /// <summary>Why the result may be worth nothing; absent where there is no such reason.</summary>
    public string? Warning { get; init; }

    /// <summary>The model's file, absolute.</summary>
    public required string Model { get; init; }

    public required DatasetReport Dataset { get; init; }

    /// <summary>All options, by their names on the command line; paths are absolute.</summary>
    public required IReadOnlyDictionary<string, object> Options { get; init; }

    /// <summary>Of distill: what was learnt from.</summary>
    public DistillationReport? Distillation { get; init; }

    /// <summary>What is known before a training begins.</summary>
    public static TrainingReport Of(
        string command, Trainer trainer, TrainingOptions options, ImageSplit parts, OutputDirectory directory, IReadOnlyDictionary<string, object> values) => new()
        {
            Command = command,
            Device = trainer.Network.Device.Info.ToString(),
            Layers = trainer.Network.Shape.ToString(),
            Activation = trainer.Network.Shape.Activation.ToString().ToLowerInvariant(),
            Parameters = trainer.Network.Shape.Parameters,
            Seed = options.Seed,
            Epochs = options.Epochs,
            Steps = trainer.Steps,
            TrainingImages = parts.Train.Length,
            Model = Path.GetFullPath(directory.PathOf(SavedModel.FileName)),
            Dataset = DatasetReport.Of(parts.All.Dataset),
            Options = values,
        };
}

/// <summary>The training images.</summary>
/// <param name="Name">What they are called.</param>
/// <param name="Images">How many there are; those trained on may be fewer.</param>
/// <param name="PixelHash">Tells them from others.</param>
internal sealed record DatasetReport(string Name, int Images, string PixelHash)
{
    public static DatasetReport Of(ImageDataset images) => new(images.Name, images.Count, images.PixelHash);
}

/// <summary>What a student learnt from.</summary>
internal sealed record DistillationReport
{
    /// <summary>distillation or logit-matching.</summary>
    public required string Objective { get; init; }

    public float? Temperature { get; init; }

    public float? SoftWeight { get; init; }

    public float? HardWeight { get; init; }

    public required TeacherLogitsReport TeacherLogits { get; init; }
}

/// <summary>The resident teacher logits.</summary>
/// <param name="Bytes">Bytes on the device.</param>
/// <param name="Uploads">Copies from host to device: 0 for computed logits, 1 for loaded ones.</param>
internal sealed record TeacherLogitsReport(long Bytes, int Uploads)
{
    public static TeacherLogitsReport Of(TeacherLogits logits) => new(logits.Bytes, logits.Uploads);
}
