using Xunit;

namespace GpuDistill.Tests.Data;

public class ImageDatasetTests
{
    [Fact]
    public void Rows_keep_their_pixels_and_labels_whatever_selects_them()
    {
        ImageDataset all = Numbered(10);
        Check(all.Take(3), [0, 1, 2]);
        Check(all.Take(0), []);
        Check(all.Take([7, 0, 7]), [7, 0, 7]);
        Assert.Equal([1, 4, 7], all.Where(label => label == 1));
        Assert.Empty(all.Where(_ => false));
    }

    [Fact]
    public void A_split_is_a_partition_in_row_order_that_the_seed_alone_decides()
    {
        ImageDataset all = Numbered(101);
        (ImageDataset train, ImageDataset validation) = all.Split(20, seed: 5);
        int[] trainRows = RowsOf(train);
        int[] validationRows = RowsOf(validation);
        Check(train, trainRows);
        Check(validation, validationRows);
        Assert.Equal((81, 20), (train.Count, validation.Count));
        Assert.Equal(trainRows.Order(), trainRows);
        Assert.Equal(validationRows.Order(), validationRows);
        Assert.Equal(Enumerable.Range(0, 101), trainRows.Concat(validationRows).Order());
        Assert.Equal(validationRows, RowsOf(all.Split(20, seed: 5).Validation));
        Assert.NotEqual(validationRows, RowsOf(all.Split(20, seed: 6).Validation));
        Assert.NotEqual(validationRows, RowsOf(all.Split(20, seed: 5 + (1UL << 40)).Validation));
    }

    [Fact]
    public void The_order_of_a_seed_never_changes() => // splits named in reports must stay what they were
        Assert.Equal([4, 2, 3, 5, 6, 7, 1, 0], RowsOf(Numbered(8).Sample(8, seed: 1)));

    [Fact]
    public void A_sample_holds_each_row_at_most_once_and_every_row_comes_equally_often()
    {
        const int Draws = 4000;
        int[] counts = new int[10];
        ImageDataset all = Numbered(10);
        for (ulong seed = 0; seed < Draws; seed++)
        {
            int[] rows = RowsOf(all.Sample(3, seed));
            Assert.Equal(3, rows.Distinct().Count());
            foreach (int row in rows)
                counts[row]++;
        }

        // Expected 1200 each; 5 standard deviations of a binomial are 145.
        Assert.All(counts, count => Assert.InRange(count, 1055, 1345));
    }

    [Fact]
    public void Labels_can_be_replaced_and_left_out()
    {
        ImageDataset some = Numbered(3).WithLabels([2, ImageDataset.Unlabelled, 0]);
        Assert.Equal([2, -100, 0], some.Labels);
        Assert.Equal([1], some.Where(label => label == ImageDataset.Unlabelled));
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImageDataset("x", 0, 1, 1, [], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImageDataset("x", 1, 1, 0, [], []));
        Assert.Contains("need 8 pixels; there are 7", Message(() => _ = new ImageDataset("x", 2, 2, 3, new byte[7], [0, 1])), StringComparison.Ordinal);
        Assert.Contains("row 1 has the label 3; with 3 classes it must be 0 to 2", Message(() => Numbered(2).WithLabels([0, 3])), StringComparison.Ordinal);
        Assert.Contains("row 0 has the label -1; with 3 classes it must be 0 to 2, or -100 where it is not known", Message(() => Numbered(2).WithLabels([-1, 0])), StringComparison.Ordinal);
        Assert.Contains("too large", Message(() => _ = new ImageDataset("x", 1 << 16, 1 << 16, 1, [], [])), StringComparison.Ordinal);
        ImageDataset all = Numbered(4);
        Assert.Throws<ArgumentOutOfRangeException>(() => all.Take(5));
        Assert.Throws<ArgumentOutOfRangeException>(() => all.Take(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => all.Take([0, 4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => all.Sample(5, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => all.Split(5, 0));
    }

    private static string Message(Action action) => Assert.ThrowsAny<ArgumentException>(action).Message;

    // Row r: all six pixels are r, the label is r % 3.
    private static ImageDataset Numbered(int count)
    {
        byte[] pixels = [.. Enumerable.Range(0, count * 6).Select(i => (byte)(i / 6))];
        return new ImageDataset("numbered", 2, 3, 3, pixels, [.. Enumerable.Range(0, count).Select(i => i % 3)]);
    }

    private static int[] RowsOf(ImageDataset dataset) => [.. Enumerable.Range(0, dataset.Count).Select(i => (int)dataset.Image(i)[0])];

    private static void Check(ImageDataset dataset, int[] rows)
    {
        Assert.Equal(("numbered", 2, 3, 6, 3), (dataset.Name, dataset.Height, dataset.Width, dataset.Features, dataset.Classes));
        Assert.Equal(rows.Select(row => row % 3), dataset.Labels);
        Assert.Equal(rows.SelectMany(row => Enumerable.Repeat((byte)row, 6)), dataset.Pixels);
    }
}
