using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

/// <summary>What a network is trained to give.</summary>
internal abstract record Targets
{
    /// <summary>The trained networks whose predictions are learnt from.</summary>
    public virtual IReadOnlyList<TrainingRun> Teachers => [];

    /// <summary>All settings, in one line.</summary>
    public abstract string Settings { get; }

    public abstract Objective Objective(Workshop workshop);
}

/// <summary>The correct labels.</summary>
internal sealed record HardTargets : Targets
{
    public override string Settings => "hard labels";

    public override Objective Objective(Workshop workshop) => GpuDistill.Objective.HardLabels();
}

/// <summary>The softened predictions of one teacher or several, and the labels as the options say.</summary>
internal sealed record SoftTargets(
    IReadOnlyList<TrainingRun> From, DistillationOptions Options, TeacherMeanKind Mean = TeacherMeanKind.Geometric) : Targets
{
    public override IReadOnlyList<TrainingRun> Teachers => From;

    public override string Settings => From.Count > 1 ? $"{Options}, {Mean} mean" : Options.ToString();

    public override Objective Objective(Workshop workshop) =>
        GpuDistill.Objective.Distillation(workshop.Logits(From, Mean, Options.Temperature), Options);
}

/// <summary>The teacher's logits themselves, zero-meaned.</summary>
internal sealed record LogitTargets(TrainingRun From) : Targets
{
    public override IReadOnlyList<TrainingRun> Teachers => [From];

    public override string Settings => new LogitMatchingOptions().ToString();

    public override Objective Objective(Workshop workshop) => GpuDistill.Objective.LogitMatching(workshop.Logits([From]));
}
