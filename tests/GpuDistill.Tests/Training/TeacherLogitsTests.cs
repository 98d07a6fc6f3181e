using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Logits of teachers on the device: which they are, whose, and what they may be used for.</summary>
[Collection<TrainedTeacher.Pupils>]
public class TeacherLogitsTests(TrainedTeacher teacher)
{
    private static readonly DistillationOptions SoftOnly = new() { Temperature = 4, SoftWeight = 1, HardWeight = 0 };

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
        teacher.Distil(teacher.Images, Objective.Distillation(loaded, SoftOnly), epochs: 1);
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
        teacher.Distil(third, Objective.Distillation(logits, SoftOnly), epochs: 1);
        Assert.Equal(0, logits.Uploads);
    }

    [Fact]
    public void Logits_of_a_subset_cannot_be_used_unnoticed_for_other_rows()
    {
        using ResidentImages half = teacher.Images.Subset([.. Enumerable.Range(0, 2500)]);
        using TeacherLogits logits = TeacherLogits.Compute([teacher.Network], half);
        teacher.Distil(half, Objective.Distillation(logits, SoftOnly), epochs: 1);
        foreach (Action use in (Action[])[
            () => teacher.Distil(teacher.Images, Objective.Distillation(logits, SoftOnly), epochs: 1), () => Evaluation.Of(logits, teacher.Images)])
        {
            Assert.Contains("Row 2500 of ", Assert.Throws<ArgumentException>(use).Message, StringComparison.Ordinal);
            Assert.Contains("lies outside the subset of images that the teacher's logits were computed for", Assert.Throws<ArgumentException>(use).Message);
        }

        Assert.Equal(2500, Evaluation.Of(logits, half).Count);
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
        teacher.Distil(unlabelled, Objective.Distillation(loaded, SoftOnly), epochs: 1);
        using TeacherLogits unknown = TeacherLogits.FromHost(teacher.Device, logits.ToHost(), 5000, 10);
        teacher.Distil(reversed, Objective.Distillation(unknown), epochs: 1);

        void Refused(TeacherLogits logits)
        {
            ArgumentException exception = Assert.Throws<ArgumentException>(() => teacher.Distil(reversed, Objective.Distillation(logits), epochs: 1));
            Assert.Contains("other images than 'MNIST train'", exception.Message);
            Assert.Throws<ArgumentException>(() => Evaluation.Of(logits, reversed));
        }
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

    private static double[] Softmax(float[] logits, int row, double temperature)
    {
        double[] e = [.. logits.Skip(row * 10).Take(10).Select(z => Math.Exp(z / temperature))];
        double sum = e.Sum();
        return [.. e.Select(x => x / sum)];
    }
}
