using GpuDistill.Kernels;
using ILGPU;

namespace GpuDistill;

/// <summary>What a network is trained for: which loss, against which targets.</summary>
public abstract class Objective
{
    private protected Objective()
    {
    }

    /// <summary>Cross entropy with the correct labels at T = 1: plain classification. Unlabelled rows are left out.</summary>
    /// <param name="labelSmoothing">Share of the target spread evenly over all classes, in [0, 1).</param>
    public static Objective HardLabels(float labelSmoothing = 0) => new HardLabelObjective(labelSmoothing);

    /// <summary>
    /// Distillation: the weighted sum of the soft and the hard cross entropy, in one kernel (Hinton, Vinyals and Dean 2015,
    /// section 2). Unlabelled rows get the soft objective alone.
    /// </summary>
    public static Objective Distillation(TeacherLogits teacher, DistillationOptions? options = null) =>
        new DistillationObjective(teacher, options ?? new DistillationOptions());

    /// <summary>Matching the teacher's zero-meaned logits, the limit of distillation at high temperature (section 2.1).</summary>
    public static Objective LogitMatching(TeacherLogits teacher, LogitMatchingOptions? options = null) =>
        new LogitMatchingObjective(teacher, options ?? new LogitMatchingOptions());

    /// <summary>Binds the loss; its gradient overwrites the logits.</summary>
    internal abstract Launch Bind(ObjectiveBatch batch);

    /// <summary>Throws if this objective cannot train this network on these images.</summary>
    internal virtual void CheckFits(Network network, ResidentImages images)
    {
    }

    private protected static void CheckTeacher(TeacherLogits teacher, Network network, ResidentImages images)
    {
        if (teacher.Device != network.Device)
            throw new ArgumentException($"The teacher's logits are on {teacher.Device.Name}, the student is on {network.Device.Name}.");
        if (teacher.Classes != network.Shape.Classes)
        {
            throw new ArgumentException(
                $"The teacher's logits have {teacher.Classes} classes, the student {network.Shape} has {network.Shape.Classes}.");
        }

        if (teacher.Rows != images.Count)
            throw new ArgumentException($"The teacher's logits have {teacher.Rows} rows, the transfer set '{images.Dataset.Name}' has {images.Count}.");
    }

    private sealed class HardLabelObjective(float labelSmoothing) : Objective
    {
        public override string ToString() => FormattableString.Invariant($"hard labels (label smoothing {labelSmoothing})");

        internal override Launch Bind(ObjectiveBatch batch) => CrossEntropy.Bind(
            batch.Kernels, batch.Logits, batch.Labels, batch.Outputs, new CrossEntropyOptions { LabelSmoothing = labelSmoothing });

        internal override void CheckFits(Network network, ResidentImages images)
        {
            if (!images.Dataset.Labels.Any(label => label >= 0))
                throw new ArgumentException($"The data set '{images.Dataset.Name}' has no labels to train on.");
        }
    }

    private sealed class DistillationObjective(TeacherLogits teacher, DistillationOptions options) : Objective
    {
        public override string ToString() => options.ToString();

        internal override Launch Bind(ObjectiveBatch batch) => DistillationLoss.Bind(
            batch.Kernels,
            new DistillationInputs<float>
            {
                Student = batch.Logits,
                Teacher = teacher.Logits,
                TeacherRows = batch.Rows,
                Labels = batch.Labels,
            },
            batch.Outputs,
            options);

        internal override void CheckFits(Network network, ResidentImages images)
        {
            CheckTeacher(teacher, network, images);
            if (teacher.Temperature is float only && only != options.Temperature)
            {
                throw new ArgumentException(
                    $"These logits are the arithmetic mean of several teachers at T = {only} and mean nothing at T = {options.Temperature}; train at T = {only}, or average geometrically.");
            }
        }
    }

    private sealed class LogitMatchingObjective(TeacherLogits teacher, LogitMatchingOptions options) : Objective
    {
        public override string ToString() => options.ToString();

        internal override Launch Bind(ObjectiveBatch batch) => Kernels.LogitMatching.Bind(
            batch.Kernels,
            new DistillationInputs<float> { Student = batch.Logits, Teacher = teacher.Logits, TeacherRows = batch.Rows, Labels = batch.Labels },
            batch.Outputs,
            options);

        internal override void CheckFits(Network network, ResidentImages images) => CheckTeacher(teacher, network, images);
    }
}

/// <summary>The batch that an objective is bound to.</summary>
internal sealed record ObjectiveBatch(
    KernelContext Kernels, Matrix<float> Logits, ArrayView<int> Rows, ArrayView<int> Labels, ArrayView<LossTotals> Running)
{
    public DistillationOutputs<float> Outputs => new() { Gradient = Logits, Running = Running };
}
