using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>What is counted of a network, of logits, and of single predictions.</summary>
[Collection<TrainedTeacher.Pupils>]
public class EvaluationTests(TrainedTeacher teacher)
{
    [Fact]
    public void An_evaluation_says_its_errors() =>
        Assert.Equal(
            "1,234 errors on 10,000 images (12.34 %), cross entropy 0.1235", new Evaluation(10_000, 1234, 0.12345, [1234], [10_000]).ToString());

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
}
