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

    public required double Seconds { get; init; }

    public required double ImagesPerSecond { get; init; }

    public required double? TrainingLoss { get; init; }

    /// <summary>test or validation.</summary>
    public required string MeasuredOn { get; init; }

    public required int Images { get; init; }

    public required int Errors { get; init; }

    public required double? CrossEntropy { get; init; }

    public required string Model { get; init; }

    /// <summary>Of distill: what was learnt from.</summary>
    public DistillationReport? Distillation { get; init; }
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
