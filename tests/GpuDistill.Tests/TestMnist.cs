using GpuDistill.Mnist;

namespace GpuDistill.Tests;

/// <summary>Real MNIST in test sizes: the first rows of the training and the test images.</summary>
internal static class TestMnist
{
    public static ImageDataset Train(int count) => EmbeddedMnist.Train.Take(count);

    public static ImageDataset Test(int count) => EmbeddedMnist.Test.Take(count);

    /// <summary>The same images with the labels of all but every <paramref name="n"/>-th row removed.</summary>
    public static ImageDataset LabelledEvery(ImageDataset dataset, int n)
    {
        int[] labels = [.. dataset.Labels.Select((label, row) => row % n == 0 ? label : ImageDataset.Unlabelled)];
        return dataset.WithLabels(labels);
    }

    /// <summary>The same images without labels.</summary>
    public static ImageDataset Unlabelled(ImageDataset dataset)
    {
        int[] labels = new int[dataset.Count];
        Array.Fill(labels, ImageDataset.Unlabelled);
        return dataset.WithLabels(labels);
    }
}
