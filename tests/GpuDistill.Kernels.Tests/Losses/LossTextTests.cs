using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>What totals and invalid rows say of themselves.</summary>
public class LossTextTests
{
    [Fact]
    public void Totals_say_all_they_hold_in_a_line()
    {
        LossTotals totals = new() { Soft = 2.5f, KlDivergence = 0.25f, Hard = 1.5f, Total = 2.4f, Rows = 128, Labelled = 85, Correct = 45 };
        Assert.Equal("loss 2.4 (soft 2.5, hard 1.5, KL 0.25), 45 of 85 labelled rows right, 128 rows", totals.ToString());
        totals.InvalidRowPlusOne = 3;
        totals.InvalidReason = (int)InvalidRowReason.Label;
        Assert.EndsWith("128 rows, row 2 invalid (Label)", totals.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_invalid_row_says_of_what_it_is_one()
    {
        Assert.StartsWith("Row 2 of the batch (of the transfer set, where its rows are gathered): ", Message(InvalidRowReason.Label), StringComparison.Ordinal);
        LossTotals totals = new() { InvalidRowPlusOne = 3, InvalidReason = (int)InvalidRowReason.Label };
        Assert.StartsWith("Row 2 of 'MNIST': ", Assert.Throws<InvalidRowException>(() => totals.ThrowIfInvalid("'MNIST'")).Message, StringComparison.Ordinal);
        totals.InvalidReason = (int)InvalidRowReason.TeacherRow;
        Assert.StartsWith("Row 2 of the batch: ", Assert.Throws<InvalidRowException>(() => totals.ThrowIfInvalid("'MNIST'")).Message, StringComparison.Ordinal);
        Assert.StartsWith("Row 2 of the batch: ", Message(InvalidRowReason.TeacherRow), StringComparison.Ordinal);
        Assert.StartsWith("Row 2 of 'MNIST test': ", Message(InvalidRowReason.StudentLogits, "'MNIST test'"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_class_weight_that_is_none_says_what_it_has_to_be()
    {
        LossTotals totals = new() { InvalidRowPlusOne = 3, InvalidReason = (int)InvalidRowReason.ClassWeight };
        string message = Assert.Throws<InvalidRowException>(() => totals.ThrowIfInvalid("'MNIST'")).Message;
        Assert.StartsWith("Row 2 of 'MNIST': a class weight of its hard loss is negative, infinite or NaN", message, StringComparison.Ordinal);
        Assert.EndsWith("give weights that are finite and at least 0.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_out_of_range_is_named_where_labels_are_at_hand()
    {
        LossTotals totals = new() { InvalidRowPlusOne = 3, InvalidReason = (int)InvalidRowReason.Label };
        InvalidRowException exception = Assert.Throws<InvalidRowException>(() => totals.ThrowIfInvalid("the batch", [1, 2, 12], 10));
        Assert.Equal("Row 2 of the batch: the label 12 is out of range; with 10 classes it must be 0 to 9.", exception.Message);
        Assert.Equal((2, InvalidRowReason.Label, 12), (exception.Row, exception.Reason, exception.Label));
        // Labels that are not those the device had, and reasons that are no label's, are told as without them.
        foreach (int[] labels in (int[][])[[1, 2, 3], [1, 2]])
            Assert.Equal(("Row 2 of the batch: the label is out of range.", null), Thrown(totals, labels));
        totals.InvalidReason = (int)InvalidRowReason.StudentLogits;
        Assert.Null(Thrown(totals, [1, 2, 12]).Label);
        new LossTotals().ThrowIfInvalid("the batch", [12], 10);
    }

    private static (string Message, int? Label) Thrown(LossTotals totals, int[] labels)
    {
        InvalidRowException exception = Assert.Throws<InvalidRowException>(() => totals.ThrowIfInvalid("the batch", labels, 10));
        return (exception.Message, exception.Label);
    }

    private static string Message(InvalidRowReason reason, string? of = null) => new InvalidRowException(2, reason, of).Message;
}
