using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Teachers, their resident logits, and students that learn from them, on real MNIST.</summary>
public sealed class DistillationTests(DistillationTests.TrainedTeacher teacher) : IClassFixture<DistillationTests.TrainedTeacher>
{
    private static readonly TrainingOptions Student = new() { Epochs = 6, BatchSize = 50, LearningRate = 0.1f, Seed = 9 };

    private static readonly DistillationOptions SoftOnly = new() { Temperature = 4, SoftWeight = 1, HardWeight = 0 };

    [Fact]
    public void A_student_learns_from_soft_targets_without_any_label_and_nothing_is_uploaded()
    {
        using ResidentImages unlabelled = new(teacher.Device, TestMnist.Unlabelled(teacher.Images.Dataset));
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], unlabelled);
        Assert.InRange(Distil(unlabelled, Objective.Distillation(logits, SoftOnly)), 1, 260);
        Assert.Equal(0, logits.Uploads); // after a whole training
        Assert.Equal(5000L * 10 * sizeof(float), logits.Bytes);
    }

    [Fact]
    public void Few_labels_beside_soft_targets_do_better_than_the_labels_alone()
    {
        using ResidentImages partly = new(teacher.Device, TestMnist.LabelledEvery(teacher.Images.Dataset, 50));
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], partly);
        int alone = Distil(partly, Objective.HardLabels());
        int both = Distil(partly, Objective.Distillation(logits, new DistillationOptions { Temperature = 4 }));
        Assert.True(both < alone * 0.7, $"{both} errors with soft targets, {alone} with 100 labels alone");
    }

    [Fact]
    public void Matching_zero_mean_logits_teaches_as_well()
    {
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], teacher.Images);
        Assert.InRange(Distil(teacher.Images, Objective.LogitMatching(logits), rate: 0.01f), 1, 280);
    }

    [Fact]
    public void A_class_that_the_transfer_set_lacks_is_learnt_from_the_soft_targets()
    {
        using ResidentImages without = teacher.Images.Subset(teacher.Images.Dataset.Where(label => label != 3));
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], teacher.Images);
        using Network student = NewStudent();
        using (Trainer trainer = new(student, without, Objective.Distillation(logits, SoftOnly with { Temperature = 8 }), Student))
            trainer.Run();
        Evaluation evaluation = Evaluation.Of(student, teacher.Test);
        Assert.True(evaluation.ErrorsByClass[3] < evaluation.CountByClass[3] * 0.9, "no three was recognised");
    }

    [Theory]
    [InlineData(TeacherMeanKind.Geometric)]
    [InlineData(TeacherMeanKind.Arithmetic)]
    public void An_ensemble_is_averaged_on_the_device(TeacherMeanKind kind)
    {
        using Network second = new Network(teacher.Device, NetworkShape.Parse("784-40-10")).Initialize(77);
        using TeacherLogits one = TeacherLogits.Compute([teacher.Network], teacher.Images);
        using TeacherLogits two = TeacherLogits.Compute([second], teacher.Images);
        using TeacherLogits both = TeacherLogits.Compute([teacher.Network, second], teacher.Images, kind, 3);
        Assert.Equal(0, both.Uploads);
        Assert.Equal(kind == TeacherMeanKind.Arithmetic ? 3f : null, both.Temperature);
        float[] a = one.ToHost(), b = two.ToHost(), mean = both.ToHost();
        for (int row = 0; row < 5000; row += 97)
        {
            double[] p = Softmax(a, row, 3), q = Softmax(b, row, 3), m = Softmax(mean, row, 3);
            double[] expected = kind == TeacherMeanKind.Arithmetic
                ? [.. p.Zip(q, (x, y) => (x + y) / 2)]
                : [.. p.Zip(q, (x, y) => Math.Sqrt(x * y))];
            double sum = expected.Sum();
            for (int i = 0; i < 10; i++)
                Assert.Equal(expected[i] / sum, m[i], 1e-5);
        }
    }

    [Fact]
    public void Logits_survive_a_file_bit_by_bit_and_count_one_upload()
    {
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], teacher.Images);
        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "logits.safetensors");
        logits.Save(path);
        using TeacherLogits loaded = TeacherLogits.Load(teacher.Device, path);
        Assert.Equal(logits.ToHost(), loaded.ToHost());
        Assert.Equal(1, loaded.Uploads);
        Distil(teacher.Images, Objective.Distillation(loaded, SoftOnly), epochs: 1);
        Assert.Equal(1, loaded.Uploads);
    }

    [Fact]
    public void Logits_of_a_subset_are_filled_up_with_NaN_on_the_device()
    {
        int[] rows = [.. Enumerable.Range(0, 5000).Where(row => row % 3 == 1)];
        using ResidentImages third = teacher.Images.Subset(rows);
        using TeacherLogits whole = TeacherLogits.Compute([teacher.Network], teacher.Images);
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], third);
        Assert.Equal(0, logits.Uploads);
        float[] expected = whole.ToHost(), actual = logits.ToHost();
        for (int i = 0; i < actual.Length; i++)
            Assert.True(i / 10 % 3 == 1 ? actual[i] == expected[i] : float.IsNaN(actual[i]), $"row {i / 10}");
        Distil(third, Objective.Distillation(logits, SoftOnly), epochs: 1);
        Assert.Equal(0, logits.Uploads);
    }

    [Fact]
    public void Errors_are_counted_alike_however_many_rows_are_copied_at_a_time()
    {
        using ResidentImages some = teacher.Test.Subset([1999, 3, 5, 4, 1000, 3]);
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], teacher.Test);
        foreach (ResidentImages images in (ResidentImages[])[teacher.Test, some])
        {
            Evaluation expected = Evaluation.Of(teacher.Network, images);
            foreach (int rows in (int[])[1, 7, 1999, 2000])
            {
                Evaluation actual = Evaluation.Of(logits, 10, images, rows);
                Assert.Equal((expected.Errors, expected.Count, expected.CrossEntropy), (actual.Errors, actual.Count, actual.CrossEntropy));
            }
        }

        Assert.Equal(logits.ToHost(), logits.Logits.Data.ToHostInPieces(teacher.Device, 777).SelectMany(piece => piece));
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
            using Network student = NewStudent();
            using (Trainer trainer = new(student, teacher.Images, objective, Student with { Epochs = 2 }))
                trainer.Run();
            Evaluation evaluation = Evaluation.Of(student, teacher.Test);
            return (double)evaluation.ErrorsByClass[7] / evaluation.CountByClass[7];
        }
    }

    [Fact]
    public void Logits_of_a_subset_cannot_be_used_unnoticed_for_other_rows()
    {
        using ResidentImages half = teacher.Images.Subset([.. Enumerable.Range(0, 2500)]);
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], half);
        Distil(half, Objective.Distillation(logits, SoftOnly), epochs: 1);
        foreach (Action use in (Action[])[
            () => Distil(teacher.Images, Objective.Distillation(logits, SoftOnly), epochs: 1), () => Evaluation.Of(logits, teacher.Images)])
        {
            Assert.Contains("Row 2500 of ", Assert.Throws<ArgumentException>(use).Message, StringComparison.Ordinal);
            Assert.Contains("lies outside the subset of images that the teacher's logits were computed for", Assert.Throws<ArgumentException>(use).Message);
        }

        Assert.Equal(2500, Evaluation.Of(logits, half).Count);
    }

    [Fact]
    public void Logits_are_evaluated_as_the_network_they_come_from()
    {
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], teacher.Test);
        Evaluation expected = Evaluation.Of(teacher.Network, teacher.Test);
        Evaluation evaluation = Evaluation.Of(logits, teacher.Test);
        Assert.Equal(expected.ErrorsByClass, evaluation.ErrorsByClass);
        Assert.Equal(expected.CrossEntropy, evaluation.CrossEntropy);
        Assert.Throws<ArgumentException>(() => Evaluation.Of(logits, teacher.Images));
    }

    [Fact]
    public void Logits_of_other_images_neither_train_nor_are_measured()
    {
        ImageDataset others = TestMnist.Train(5000).Take([.. Enumerable.Range(0, 5000).Reverse()]);
        using ResidentImages reversed = new(teacher.Device, others);
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], teacher.Images);
        Refused(logits);
        string path = Path.Combine(Directory.CreateTempSubdirectory("gpudistill-").FullName, "logits.safetensors");
        logits.Save(path);
        using TeacherLogits loaded = TeacherLogits.Load(teacher.Device, path);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        Assert.Equal(teacher.Images.Dataset.PixelHash, loaded.ImagesHash);
        Refused(loaded);
        using TeacherLogits told = TeacherLogits.FromHost(teacher.Device, logits.ToHost(), 5000, 10, imagesHash: logits.ImagesHash);
        Refused(told);

        // Labels do not matter, and where it is not known which images they are of it is the caller's affair.
        using ResidentImages unlabelled = new(teacher.Device, TestMnist.Unlabelled(teacher.Images.Dataset));
        Distil(unlabelled, Objective.Distillation(loaded, SoftOnly), epochs: 1);
        using TeacherLogits unknown = TeacherLogits.FromHost(teacher.Device, logits.ToHost(), 5000, 10);
        Distil(reversed, Objective.Distillation(unknown), epochs: 1);

        void Refused(TeacherLogits logits)
        {
            ArgumentException exception = Assert.Throws<ArgumentException>(() => Distil(reversed, Objective.Distillation(logits), epochs: 1));
            Assert.Contains("other images than 'MNIST train'", exception.Message);
            Assert.Throws<ArgumentException>(() => Evaluation.Of(logits, reversed));
        }
    }

    [Fact]
    public void Options_are_refused_when_an_objective_is_made()
    {
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], teacher.Images);
        Assert.Throws<ArgumentOutOfRangeException>(() => Objective.Distillation(logits, new DistillationOptions { Temperature = 0 }));
        Assert.Throws<ArgumentException>(() => Objective.Distillation(logits, SoftOnly with { LabelSmoothing = 0.1f }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Objective.LogitMatching(logits, new LogitMatchingOptions { Weight = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Objective.HardLabels(labelSmoothing: 1));
    }

    [Fact]
    public void Predictions_are_those_that_are_counted()
    {
        IReadOnlyList<Prediction> predictions = Prediction.Of(teacher.Network, teacher.Test);
        int errors = predictions.Zip(teacher.Test.Dataset.Labels).Count(pair => pair.First.Label != pair.Second);
        Evaluation evaluation = Evaluation.Of(teacher.Network, teacher.Test);
        Assert.Equal(evaluation.Errors, errors);
        Assert.Equal(evaluation.CrossEntropy, predictions.Zip(teacher.Test.Dataset.Labels).Average(pair => -Math.Log(pair.First.Probabilities[pair.Second])), 1e-5);
        Assert.All(predictions, prediction => Assert.Equal(1, prediction.Probabilities.Sum(), 1e-5));
        Assert.All(predictions, prediction => Assert.Equal(prediction.Probabilities.Max(), prediction.Probability));
        using ResidentImages some = teacher.Test.Subset([7, 3]);
        Assert.Equal([predictions[7].Label, predictions[3].Label], Prediction.Of(teacher.Network, some).Select(prediction => prediction.Label));
    }

    [Fact]
    public void A_network_without_parameters_neither_trains_nor_teaches_nor_predicts()
    {
        using Network network = new(teacher.Device, NetworkShape.Parse("784-40-10"));
        using Trainer trainer = new(network, teacher.Images, Objective.HardLabels(), Student);
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

    [Fact]
    public void A_temperature_that_is_none_is_refused_with_the_logits()
    {
        foreach (float temperature in (float[])[-5, 0, float.NaN, float.PositiveInfinity, 1e-40f])
            Assert.Throws<ArgumentOutOfRangeException>(() => TeacherLogits.FromHost(teacher.Device, new float[20], 2, 10, temperature));
    }

    [Fact]
    public void Broken_logits_are_refused_with_their_row()
    {
        float[] logits = new float[30];
        logits[17] = float.NaN;
        ArgumentException exception = Assert.Throws<ArgumentException>(() => TeacherLogits.FromHost(teacher.Device, logits, 3, 10));
        Assert.Contains("Row 1", exception.Message);
    }

    private int Distil(ResidentImages images, Objective objective, float rate = 0.1f, int epochs = 6)
    {
        using Network student = NewStudent();
        using (Trainer trainer = new(student, images, objective, Student with { LearningRate = rate, Epochs = epochs }))
            trainer.Run();
        return Evaluation.Of(student, teacher.Test).Errors;
    }

    private Network NewStudent() => new Network(teacher.Device, NetworkShape.Parse("784-40-10")).Initialize(3);

    private static double[] Softmax(float[] logits, int row, double temperature)
    {
        double[] e = [.. logits.Skip(row * 10).Take(10).Select(z => Math.Exp(z / temperature))];
        double sum = e.Sum();
        return [.. e.Select(x => x / sum)];
    }

    public sealed class TrainedTeacher : IDisposable
    {
        public TrainedTeacher()
        {
            Device = DistillDevice.Open("cpu");
            Images = new ResidentImages(Device, TestMnist.Train(5000));
            Test = new ResidentImages(Device, TestMnist.Test(2000));
            Network = new Network(Device, NetworkShape.Parse("784-200-10")).Initialize(1);
            TrainingOptions options = new() { Epochs = 10, BatchSize = 50, LearningRate = 0.1f, Seed = 2, Jitter = 1, HiddenDropout = 0.2f };
            using Trainer trainer = new(Network, Images, Objective.HardLabels(), options);
            trainer.Run();
        }

        public DistillDevice Device { get; }

        public ResidentImages Images { get; }

        public ResidentImages Test { get; }

        public Network Network { get; }

        public void Dispose()
        {
            Network.Dispose();
            Test.Dispose();
            Images.Dispose();
            Device.Dispose();
        }
    }
}
