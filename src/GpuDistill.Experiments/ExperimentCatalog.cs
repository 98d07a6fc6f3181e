namespace GpuDistill.Experiments;

/// <summary>An experiment that there is.</summary>
public sealed class ExperimentInfo
{
    internal ExperimentInfo(string name, string title, string summary, Func<Setup, Experiment> create) =>
        (Name, Title, Summary, Create) = (name, title, summary, create);

    /// <summary>What it is called on the command line.</summary>
    public string Name { get; }

    /// <summary>Its headline.</summary>
    public string Title { get; }

    /// <summary>What it shows, in a sentence.</summary>
    public string Summary { get; }

    internal Func<Setup, Experiment> Create { get; }
}

/// <summary>All experiments, in the order of the report.</summary>
public static class ExperimentCatalog
{
    /// <summary>The experiments.</summary>
    public static IReadOnlyList<ExperimentInfo> All { get; } =
    [
        new(
            "mnist-table", "The paper’s MNIST table", "Teacher, student on hard labels, and the same student distilled at T = 20.",
            setup => new MnistTableExperiment(setup)),
        new(
            "temperature-sweep", "Which temperature?", "Students with 300 and with 30 units per layer over temperatures from 1 to 40.",
            setup => new TemperatureSweepExperiment(setup)),
        new(
            "omitted-digit", "A digit that the student never saw", "A transfer set without any 3, and the bias for 3 raised without a look at test labels.",
            setup => new OmittedDigitExperiment(setup)),
        new(
            "two-digits", "Two digits teach ten", "A transfer set of sevens and eights only, and their biases lowered likewise.",
            setup => new TwoDigitsExperiment(setup)),
        new(
            "small-transfer", "Few labels, high learning rates", "1 %, 3 %, 10 % and all labels, soft and hard, over learning rates; entropy and gradient variance.",
            setup => new SmallTransferExperiment(setup)),
        new(
            "labels", "What to do with the labels", "A weighted sum of objectives, or labels that modify the soft targets; with and without T².",
            setup => new LabelsExperiment(setup)),
        new(
            "logit-matching", "The limit at high temperature", "The gradient of distillation against its limit, matching logits, over temperatures.",
            setup => new LogitMatchingExperiment(setup)),
        new(
            "ensemble", "Several teachers", "Ensembles averaged arithmetically and geometrically, against their members, and students of them.",
            setup => new EnsembleExperiment(setup)),
    ];

    /// <summary>The experiment of a name, or null.</summary>
    public static ExperimentInfo? Find(string name) => All.FirstOrDefault(experiment => experiment.Name == name);
}
