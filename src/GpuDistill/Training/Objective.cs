using System.Globalization;
using GpuDistill.Kernels;
using ILGPU;

namespace GpuDistill;

/// <summary>What a network is trained for: which loss, against which targets.</summary>
public abstract class Objective
{
    private protected Objective(IReadOnlyList<float>? classWeights = null)
    {
        if (classWeights is null)
            return;
        if (classWeights.Any(weight => !(weight >= 0) || !float.IsFinite(weight)) || !classWeights.Any(weight => weight > 0))
            throw new ArgumentException("Class weights must be finite numbers of at least 0, and one above 0.", nameof(classWeights));
        ClassWeights = [.. classWeights];
    }

    /// <summary>The weights of the classes in the hard objective; null for 1 each. A trainer keeps them on the device.</summary>
    internal float[]? ClassWeights { get; }

    /// <summary>The teacher's logits; null for an objective without one.</summary>
    internal virtual TeacherLogits? Teacher => null;

    /// <summary>Cross entropy with the correct labels at T = 1: plain classification. Unlabelled rows are left out.</summary>
    /// <param name="labelSmoothing">Share of the target spread evenly over all classes, in [0, 1).</param>
    /// <param name="classWeights">A weight per class, finite and at least 0; null for 1 each.</param>
    public static Objective HardLabels(float labelSmoothing = 0, IReadOnlyList<float>? classWeights = null) =>
        new HardLabelObjective(labelSmoothing, classWeights);

    /// <summary>
    /// Distillation: the weighted sum of the soft and the hard cross entropy, in one kernel (Hinton, Vinyals and Dean 2015,
    /// section 2). Unlabelled rows get the soft objective alone.
    /// </summary>
    /// <param name="teacher">The teacher's logits for all rows of the transfer set.</param>
    /// <param name="options">Settings; the defaults where null.</param>
    /// <param name="classWeights">A weight per class in the hard objective, finite and at least 0; null for 1 each.</param>
    /// <exception cref="ArgumentException">An option is out of its range or without effect, both weights are 0, or the ignore index is not <see cref="ImageDataset.Unlabelled"/>.</exception>
    public static Objective Distillation(
        TeacherLogits teacher, DistillationOptions? options = null, IReadOnlyList<float>? classWeights = null)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        return new DistillationObjective(teacher, options ?? new DistillationOptions(), classWeights);
    }

    /// <summary>Matching the teacher's zero-meaned logits, the limit of distillation at high temperature (section 2.1).</summary>
    /// <exception cref="ArgumentException">The ignore index is not <see cref="ImageDataset.Unlabelled"/>.</exception>
    public static Objective LogitMatching(TeacherLogits teacher, LogitMatchingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        return new LogitMatchingObjective(teacher, options ?? new LogitMatchingOptions());
    }

    /// <summary>Binds the loss; its gradient overwrites the logits.</summary>
    internal abstract Launch Bind(ObjectiveBatch batch);

    /// <summary>Throws if this objective cannot train this network on these images.</summary>
    internal virtual void CheckFits(Network network, ResidentImages images)
    {
        if (ClassWeights is { } weights && weights.Length != network.Shape.Classes)
            throw new ArgumentException($"There are {weights.Length} class weights; the network {network.Shape} has {network.Shape.Classes} classes.");
        if (Teacher is { } teacher)
            CheckTeacher(teacher, network, images);
    }

    private protected string DescribeClassWeights() =>
        ClassWeights is null ? "" : $", class weights {string.Join(' ', ClassWeights.Select(weight => weight.ToString("R", CultureInfo.InvariantCulture)))}";

    // Of the rows that take part: labels elsewhere in the data set train nothing.
    private protected static void CheckLabelled(ResidentImages images)
    {
        if (!images.Rows.Any(row => images.Dataset.Labels[row] >= 0))
        {
            throw new ArgumentException(images.IsSubset
                ? $"None of the {images.Length} rows of '{images.Dataset.Name}' that take part has a label to train on."
                : $"The data set '{images.Dataset.Name}' has no labels to train on.");
        }
    }

    // A data set's unlabelled rows carry this very label; with another one they would be labels out of range.
    private protected static void CheckIgnoreIndex(int ignoreIndex)
    {
        if (ignoreIndex != ImageDataset.Unlabelled)
            throw new ArgumentException($"IgnoreIndex is {ignoreIndex}; the unlabelled rows of a data set carry {ImageDataset.Unlabelled}.");
    }

    private static void CheckTeacher(TeacherLogits teacher, Network network, ResidentImages images)
    {
        teacher.ThrowIfDisposed();
        if (teacher.Device != network.Device)
            throw new ArgumentException(DistillDevice.Apart("The teacher's logits are", teacher.Device, "the student is", network.Device));
        if (teacher.Classes != network.Shape.Classes)
        {
            throw new ArgumentException(
                $"The teacher's logits have {teacher.Classes} classes, the student {network.Shape} has {network.Shape.Classes}.");
        }

        teacher.CheckBelongTo(images);
        teacher.CheckCovers(images.Rows, images.Dataset);
    }

    private sealed class HardLabelObjective(float labelSmoothing, IReadOnlyList<float>? classWeights) : Objective(classWeights)
    {
        private readonly CrossEntropyOptions _options = CrossEntropy.Checked(new CrossEntropyOptions { LabelSmoothing = labelSmoothing });

        public override string ToString() =>
            FormattableString.Invariant($"hard labels (label smoothing {_options.LabelSmoothing}{DescribeClassWeights()})");

        internal override Launch Bind(ObjectiveBatch batch) => CrossEntropy.Bind(
            batch.Kernels,
            batch.Logits,
            batch.Labels,
            batch.Outputs,
            _options,
            batch.ClassWeights);

        internal override void CheckFits(Network network, ResidentImages images)
        {
            base.CheckFits(network, images);
            CheckLabelled(images);
        }
    }

    private sealed class DistillationObjective : Objective
    {
        private readonly DistillationOptions _options;

        public DistillationObjective(TeacherLogits teacher, DistillationOptions options, IReadOnlyList<float>? classWeights)
            : base(classWeights)
        {
            CheckIgnoreIndex(options.IgnoreIndex);
            DistillationLoss.CheckOptions(options);
            if (options is { SoftWeight: 0, HardWeight: 0 })
                throw new ArgumentException("SoftWeight and HardWeight are both 0, so there is nothing to learn from.", nameof(options));
            Teacher = teacher;
            _options = options;
        }

        internal override TeacherLogits Teacher { get; }

        public override string ToString() => _options + DescribeClassWeights();

        internal override Launch Bind(ObjectiveBatch batch) => DistillationLoss.Bind(
            batch.Kernels,
            new DistillationInputs<float>
            {
                Student = batch.Logits,
                Teacher = Teacher.Logits,
                TeacherRows = batch.Rows,
                Labels = batch.Labels,
                ClassWeights = batch.ClassWeights,
            },
            batch.Outputs,
            _options);

        internal override void CheckFits(Network network, ResidentImages images)
        {
            base.CheckFits(network, images);
            if (!(_options.SoftWeight > 0))
                CheckLabelled(images);
            if (Teacher.Temperature is float only && only != _options.Temperature)
            {
                throw new ArgumentException(
                    $"These logits are the arithmetic mean of several teachers at T = {only} and mean nothing at T = {_options.Temperature}; train at T = {only}, or average geometrically.");
            }
        }
    }

    private sealed class LogitMatchingObjective : Objective
    {
        private readonly LogitMatchingOptions _options;

        public LogitMatchingObjective(TeacherLogits teacher, LogitMatchingOptions options)
        {
            CheckIgnoreIndex(options.IgnoreIndex);
            Kernels.LogitMatching.CheckOptions(options);
            Teacher = teacher;
            _options = options;
        }

        internal override TeacherLogits Teacher { get; }

        public override string ToString() => _options.ToString();

        internal override Launch Bind(ObjectiveBatch batch) => Kernels.LogitMatching.Bind(
            batch.Kernels,
            new DistillationInputs<float> { Student = batch.Logits, Teacher = Teacher.Logits, TeacherRows = batch.Rows, Labels = batch.Labels },
            batch.Outputs,
            _options);

        internal override void CheckFits(Network network, ResidentImages images)
        {
            base.CheckFits(network, images);
            if (Teacher.Temperature is float only)
            {
                throw new ArgumentException(
                    $"These logits are the arithmetic mean of several teachers at T = {only}, and matching logits is the limit of a high T; average geometrically.");
            }
        }
    }
}

/// <summary>The batch that an objective is bound to.</summary>
internal sealed record ObjectiveBatch(
    KernelContext Kernels,
    Matrix<float> Logits,
    ArrayView<int> Rows,
    ArrayView<int> Labels,
    ArrayView<float> ClassWeights,
    ArrayView<LossTotals> Running)
{
    public DistillationOutputs<float> Outputs => new() { Gradient = Logits, Running = Running };
}
