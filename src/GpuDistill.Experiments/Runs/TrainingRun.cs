using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

/// <summary>Trains a network and counts its errors; the test images are looked at once, when it is trained.</summary>
internal class TrainingRun : Run
{
    public required NetworkShape Shape { get; init; }

    /// <summary>How it is trained; the seed decides the initial weights too.</summary>
    public required TrainingOptions Options { get; init; }

    public required Targets Targets { get; init; }

    public TransferSet TransferSet { get; init; } = TransferSet.All;

    /// <summary>Keeps the network beside the record, for runs that need it.</summary>
    public bool KeepsModel { get; init; }

    /// <summary>Counts errors on the images held out for validation too; the transfer set must be without them.</summary>
    public bool Validates { get; init; }

    /// <summary>Takes a training that diverges as a result.</summary>
    public bool MayDiverge { get; init; }

    /// <summary>Training images, to estimate the work.</summary>
    public required int Images { get; init; }

    public override IReadOnlyList<TrainingRun> Needs => Targets.Teachers;

    public override double Work => (3d * Options.Epochs * Images * Shape.Parameters) + 1e9;

    public override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["network"] = $"{Shape} {Shape.Activation}",
        ["training"] = Options.ToString(),
        ["targets"] = Targets.Settings,
        ["transfer set"] = TransferSet.Name,
        ["validation"] = Validates ? "last sixth" : "none",
    };

    public override IReadOnlyDictionary<string, double> Do(Workshop workshop)
    {
        using Network network = new Network(workshop.Device, Shape).Initialize(Options.Seed);
        Dictionary<string, double> measures = [];
        try
        {
            using TransferImages images = workshop.Select(TransferSet);
            using Trainer trainer = new(network, images.Images, Targets.Objective(workshop), Options);
            TrainingResult result = trainer.Run(Title, workshop.Progress, workshop.Cancellation);
            measures[Measure.TrainingLoss] = result.Loss;
            if (Validates)
                measures[Measure.ValidationErrors] = Evaluation.Of(network, workshop.Validation, workshop.Cancellation).Errors;
            Examine(workshop, network, measures);
        }
        catch (InvalidRowException row) when (MayDiverge && row.Reason == InvalidRowReason.StudentLogits)
        {
            return new Dictionary<string, double> { [Measure.Diverged] = 1 };
        }

        if (KeepsModel)
            workshop.Store.SaveModel(this, network);
        return measures;
    }

    public override string Describe(IReadOnlyDictionary<string, double> measures) =>
        measures.TryGetValue(Measure.TestErrors, out double errors) ? $"{Numbers.Count(errors)} errors" : "diverged";

    /// <summary>Measures the trained network on the test images.</summary>
    protected virtual void Examine(Workshop workshop, Network network, IDictionary<string, double> measures)
    {
        Evaluation evaluation = Evaluation.Of(network, workshop.Test, workshop.Cancellation);
        measures[Measure.TestErrors] = evaluation.Errors;
        measures[Measure.TestCrossEntropy] = evaluation.CrossEntropy;
    }
}
