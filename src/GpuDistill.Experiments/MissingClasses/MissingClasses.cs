namespace GpuDistill.Experiments;

/// <summary>Students of a transfer set that lacks classes: what omitted-digit and two-digits have in common.</summary>
internal sealed class MissingClasses
{
    private readonly OffsetRun[] _runs;
    private readonly int _classes;

    public MissingClasses(Setup setup, string name, TransferRecipe recipe, TransferSet transferSet, params int[] chosen)
    {
        _classes = recipe.Student.Shape.Classes;
        Temperature = recipe.Temperature;
        _runs = [.. setup.AllSeeds.Select(seed => new OffsetRun
        {
            Key = setup.Key(name, seed),
            Title = $"student {transferSet.Name}, seed {seed}",
            Shape = recipe.Student.Shape,
            Options = recipe.Student.Training with { Seed = (ulong)seed },
            Targets = setup.SoftAlone(seed, recipe.Temperature),
            TransferSet = transferSet,
            Chosen = chosen,
            Images = transferSet.Rows!(setup.Train).Count,
        })];
        Runs = [.. setup.AllSeeds.Select(setup.Teacher), .. _runs];
    }

    public IEnumerable<Run> Runs { get; }

    public float Temperature { get; }

    public Sample Before(Results results) => results.Sample(_runs);

    public Sample After(Results results) => results.Sample(_runs, OffsetRun.ErrorsAfter);

    public Sample Offset(Results results) => results.Sample(_runs, OffsetRun.Offset);

    /// <summary>Errors on the test images of one class.</summary>
    public Sample Errors(Results results, int label, bool after) => results.Sample(_runs, OffsetRun.ErrorsOf(label, after));

    public double Count(Results results, int label) => results.Value(_runs[0], OffsetRun.CountOf(label));

    public double Count(Results results) => Enumerable.Range(0, _classes).Sum(label => Count(results, label));

    /// <summary>The share of each class's test images that are predicted wrong, before and after.</summary>
    public Chart Chart(Results results, string title) => new()
    {
        Name = "by-class",
        Title = title,
        Caption = "Share of each digit’s test images that are predicted wrong, as trained and after moving the biases; "
            + "mean over seeds with its 95 % confidence interval.",
        X = new Axis("digit", Ticks: [.. Enumerable.Range(0, _classes).Select(label => (double)label)]),
        Y = new Axis("errors in %"),
        Series = [new("as trained", [.. Points(results, after: false)], Line: false), new("biases moved", [.. Points(results, after: true)], Line: false)],
    };

    private IEnumerable<Point> Points(Results results, bool after) =>
        from label in Enumerable.Range(0, _classes)
        let count = Count(results, label)
        where count > 0
        select Point.Of(label, new Sample([.. Errors(results, label, after).Values.Select(errors => 100 * errors / count)]));

    /// <summary>The rule, in words.</summary>
    public const string Rule =
        "No test label decides how far the biases move: the offset is the one with which the student, shown all training images without "
        + "their labels, predicts the moved classes as often as they occur in the training labels.";
}
