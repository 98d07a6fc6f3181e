using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Students that learn from a teacher, on real MNIST.</summary>
[Collection<TrainedTeacher.Pupils>]
public class DistillationTests(TrainedTeacher teacher)
{
    private static readonly DistillationOptions SoftOnly = new() { Temperature = 4, SoftWeight = 1, HardWeight = 0 };

    [Fact]
    public void A_student_learns_from_soft_targets_without_any_label_and_nothing_is_uploaded()
    {
        using ResidentImages unlabelled = new(teacher.Device, TestMnist.Unlabelled(teacher.Images.Dataset));
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], unlabelled);
        Assert.InRange(teacher.Distil(unlabelled, Objective.Distillation(logits, SoftOnly)), 1, 260);
        Assert.Equal(0, logits.Uploads); // after a whole training
        Assert.Equal(5000L * 10 * sizeof(float), logits.Bytes);
    }

    [Fact]
    public void Few_labels_beside_soft_targets_do_better_than_the_labels_alone()
    {
        using ResidentImages partly = new(teacher.Device, TestMnist.LabelledEvery(teacher.Images.Dataset, 50));
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], partly);
        int alone = teacher.Distil(partly, Objective.HardLabels());
        int both = teacher.Distil(partly, Objective.Distillation(logits, new DistillationOptions { Temperature = 4 }));
        Assert.True(both < alone * 0.7, $"{both} errors with soft targets, {alone} with 100 labels alone");
    }

    [Fact]
    public void Matching_zero_mean_logits_teaches_as_well()
    {
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], teacher.Images);
        Assert.InRange(teacher.Distil(teacher.Images, Objective.LogitMatching(logits), rate: 0.01f), 1, 280);
    }

    [Fact]
    public void A_class_that_the_transfer_set_lacks_is_learnt_from_the_soft_targets()
    {
        using ResidentImages without = teacher.Images.Subset(teacher.Images.Dataset.Where(label => label != 3));
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], teacher.Images);
        using Network student = teacher.NewStudent();
        using (Trainer trainer = new(student, without, Objective.Distillation(logits, SoftOnly with { Temperature = 8 }), TrainedTeacher.Student))
            trainer.Run();
        Evaluation evaluation = Evaluation.Of(student, teacher.Test);
        Assert.True(evaluation.ErrorsByClass[3] < evaluation.CountByClass[3] * 0.9, "no three was recognised");
    }

    // Class 7 without a weight is hardly ever predicted; with all weights alike nothing changes.
    [Fact]
    public void Class_weights_weigh_the_hard_objective()
    {
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], teacher.Images);
        float[] without7 = [1, 1, 1, 1, 1, 1, 1, 0, 1, 1];
        Assert.True(ErrorsOf7(Objective.HardLabels(classWeights: without7)) > 0.9);
        Assert.True(ErrorsOf7(Objective.HardLabels()) < 0.3);
        DistillationOptions mostlyHard = new() { Temperature = 1, SoftWeight = 1e-6f, HardWeight = 1 };
        Assert.True(ErrorsOf7(Objective.Distillation(logits, mostlyHard, without7)) > 0.9);
        Assert.True(ErrorsOf7(Objective.Distillation(logits, mostlyHard)) < 0.3);

        double ErrorsOf7(Objective objective)
        {
            using Network student = teacher.NewStudent();
            using (Trainer trainer = new(student, teacher.Images, objective, TrainedTeacher.Student with { Epochs = 2 }))
                trainer.Run();
            Evaluation evaluation = Evaluation.Of(student, teacher.Test);
            return (double)evaluation.ErrorsByClass[7] / evaluation.CountByClass[7];
        }
    }

    [Fact]
    public void A_network_without_parameters_neither_trains_nor_teaches_nor_predicts()
    {
        using Network network = new(teacher.Device, NetworkShape.Parse("784-40-10"));
        using Trainer trainer = new(network, teacher.Images, Objective.HardLabels(), TrainedTeacher.Student);
        foreach (Action use in (Action[])[
            () => trainer.Run(), () => TeacherLogits.Compute([network], teacher.Test), () => Prediction.Of(network, teacher.Test),
            () => GradientSpread.Of(network, teacher.Test, Objective.HardLabels())])
        {
            Assert.Contains("call Initialize(seed)", Assert.Throws<InvalidOperationException>(use).Message);
        }

        network.WriteLayer(0, new float[784 * 40], new float[40]);
        Assert.Contains("Layer 1 ", Assert.Throws<InvalidOperationException>(() => trainer.Run()).Message);
        network.WriteLayer(1, new float[400], new float[10]);
        Assert.Equal(2000, Prediction.Of(network, teacher.Test).Count);
    }
}
