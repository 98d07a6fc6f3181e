using Xunit;

namespace GpuDistill.Tests.Training;

/// <summary>Results of two runs compare by what they hold.</summary>
public class ResultEqualityTests
{
    [Fact]
    public void Two_evaluations_of_the_same_are_equal()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Test(100));
        using Network network = new Network(device, NetworkShape.Parse("784-10")).Initialize(1);
        Evaluation evaluation = Evaluation.Of(network, images);
        Evaluation same = Evaluation.Of(network, images);
        Assert.True(evaluation == same);
        Assert.Equal(evaluation.GetHashCode(), same.GetHashCode());
        Assert.NotEqual(evaluation, same with { Errors = same.Errors + 1 });
        Assert.NotEqual(evaluation, same with { CrossEntropy = 0 });
        Assert.NotEqual(evaluation, same with { ErrorsByClass = [.. same.ErrorsByClass.Reverse()] });
        Assert.NotEqual(evaluation, same with { CountByClass = [.. same.CountByClass.Reverse()] });
        Assert.False(evaluation.Equals(null));
        Assert.Equal(new Evaluation(0, 0, double.NaN, [0], [0]), new Evaluation(0, 0, double.NaN, [0], [0])); // without a label
    }

    [Fact]
    public void Two_predictions_of_the_same_are_equal()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using ResidentImages images = new(device, TestMnist.Test(100));
        using Network network = new Network(device, NetworkShape.Parse("784-10")).Initialize(1);
        IReadOnlyList<Prediction> predictions = Prediction.Of(network, images);
        IReadOnlyList<Prediction> same = Prediction.Of(network, images);
        Assert.Equal(predictions, same);
        Assert.Equal(100, predictions.Concat(same).ToHashSet().Count);
        Assert.NotEqual(predictions[0], predictions[0] with { Label = (predictions[0].Label + 1) % 10 });
        Assert.NotEqual(predictions[0], predictions[0] with { Probabilities = predictions[1].Probabilities });
        Assert.Equal(new Prediction(0, []).GetHashCode(), new Prediction(0, []).GetHashCode());
    }
}
