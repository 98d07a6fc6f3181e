using GpuDistill.Mnist;
using Xunit;

namespace GpuDistill.Tests.Data;

public class EmbeddedMnistTests
{
    [Fact]
    public void Both_parts_are_whole()
    {
        ImageDataset train = EmbeddedMnist.Train;
        ImageDataset test = EmbeddedMnist.Test;
        Assert.Equal((60000, 28, 28, 10), (train.Count, train.Height, train.Width, train.Classes));
        Assert.Equal((10000, 28, 28, 10), (test.Count, test.Height, test.Width, test.Classes));
        Assert.Equal([5, 0, 4, 1, 9], train.Labels[..5]);
        Assert.Equal([7, 2, 1, 0, 4], test.Labels[..5]);
        Assert.Equal(1010, test.Where(label => label == 3).Length);
        Assert.Same(train, EmbeddedMnist.Train);
    }

    [Fact]
    public void Data_that_does_not_match_its_hash_is_refused()
    {
        const string File = "t10k-labels-idx1-ubyte.gz";
        DatasetException exception = Assert.Throws<DatasetException>(() => EmbeddedMnist.Verified(File, new string('0', 64)));
        Assert.Contains("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", exception.Message, StringComparison.Ordinal);
        Assert.Throws<DatasetException>(() => EmbeddedMnist.Verified("no-such-file", ""));
    }
}
