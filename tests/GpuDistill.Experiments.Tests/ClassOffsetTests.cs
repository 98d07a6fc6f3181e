using Xunit;

namespace GpuDistill.Experiments.Tests;

/// <summary>The rule that moves biases without a label, on logits whose answer is known.</summary>
public class ClassOffsetTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.25, 1)]
    [InlineData(0.5, 2)]
    [InlineData(1, 4)]
    public void The_share_asked_for_is_predicted(double share, int expected)
    {
        float[] logits =
        [
            5, 1, 0, // margin of class 2: 5
            2, 2, 1, // 1
            0, 3, 5, // -2
            1, 9, 6, // 3
        ];
        float offset = ClassOffset.Matching(logits, 3, [2], share);
        Assert.Equal(expected, Predicted(logits, 3, [2], offset));
    }

    [Fact]
    public void A_bias_that_was_lost_is_found_again()
    {
        // 1,000 cases of 4 classes, each clear by 4 or more; class 1 lacks a bias of 10.
        float[] logits = new float[4000];
        for (int row = 0; row < 1000; row++)
        {
            for (int label = 0; label < 4; label++)
                logits[(row * 4) + label] = (label == row % 4 ? 6 : (row + label) % 3) - (label == 1 ? 10 : 0);
        }

        float offset = ClassOffset.Matching(logits, 4, [1], 0.25);
        Assert.InRange(offset, 4, 16);
        Assert.Equal(250, Predicted(logits, 4, [1], offset));
    }

    [Fact]
    public void Several_classes_move_together()
    {
        float[] logits = [0, 0, 9, 8, 0, 0, 7, 6, 1, 0, 4, 5, 0, 2, 3, 5];
        float offset = ClassOffset.Matching(logits, 4, [2, 3], 0.25);
        Assert.True(offset < 0);
        Assert.Equal(1, Predicted(logits, 4, [2, 3], offset));
    }

    [Fact]
    public void A_share_is_from_0_to_1() => Assert.Throws<ArgumentOutOfRangeException>(() => ClassOffset.Matching([1, 2], 2, [0], 1.1));

    private static int Predicted(float[] logits, int classes, int[] chosen, float offset) => logits.Chunk(classes).Count(row =>
    {
        float[] moved = [.. row.Select((logit, label) => chosen.Contains(label) ? logit + offset : logit)];
        return chosen.Contains(Array.IndexOf(moved, moved.Max()));
    });
}
