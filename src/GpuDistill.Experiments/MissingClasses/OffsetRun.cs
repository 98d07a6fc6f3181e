namespace GpuDistill.Experiments;

/// <summary>
/// A training on a transfer set that lacks classes, measured as it is and again after the biases of some classes were moved by
/// <see cref="ClassOffset"/>: their frequency is that among the training labels, the unlabelled images are all training images.
/// </summary>
internal sealed class OffsetRun : TrainingRun
{
    public const string Offset = "offset";
    public const string ErrorsAfter = "testErrorsAfter";

    /// <summary>The classes whose biases move, all by the same amount.</summary>
    public required IReadOnlyList<int> Chosen { get; init; }

    public override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>(base.Settings)
    {
        ["offset of classes"] = string.Join(", ", Chosen),
    };

    /// <summary>The name of one class's errors before or after.</summary>
    public static string ErrorsOf(int label, bool after) => $"testErrors{(after ? "After" : "")}OnClass{label}";

    /// <summary>The name of one class's number of test images.</summary>
    public static string CountOf(int label) => $"testImagesOfClass{label}";

    public override string Describe(IReadOnlyDictionary<string, double> measures) =>
        $"{Numbers.Count(measures[Measure.TestErrors])} errors, {Numbers.Count(measures[ErrorsAfter])} after moving biases";

    protected override void Examine(Workshop workshop, Network network, IDictionary<string, double> measures)
    {
        base.Examine(workshop, network, measures);
        Count(Evaluation.Of(network, workshop.Test, workshop.Cancellation), measures, after: false);
        float offset = Find(workshop, network);
        int classes = network.Shape.Classes;
        network.AddToBiases(network.Shape.Layers - 1, [.. Enumerable.Range(0, classes).Select(label => Chosen.Contains(label) ? offset : 0)]);
        Evaluation moved = Evaluation.Of(network, workshop.Test, workshop.Cancellation);
        measures[Offset] = offset;
        measures[ErrorsAfter] = moved.Errors;
        Count(moved, measures, after: true);
    }

    private float Find(Workshop workshop, Network network)
    {
        using TeacherLogits logits = TeacherLogits.Compute([network], workshop.Train, cancellation: workshop.Cancellation);
        int[] labels = workshop.Train.Dataset.Labels;
        double share = (double)labels.Count(Chosen.Contains) / labels.Length;
        return ClassOffset.Matching(logits.ToHost(), network.Shape.Classes, Chosen, share);
    }

    private static void Count(Evaluation evaluation, IDictionary<string, double> measures, bool after)
    {
        for (int label = 0; label < evaluation.CountByClass.Count; label++)
        {
            measures[ErrorsOf(label, after)] = evaluation.ErrorsByClass[label];
            measures[CountOf(label)] = evaluation.CountByClass[label];
        }
    }
}
