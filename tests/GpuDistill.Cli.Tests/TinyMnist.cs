using System.Buffers.Binary;
using GpuDistill.Mnist;

namespace GpuDistill.Cli.Tests;

/// <summary>The four IDX files of a small data set: the first images of MNIST.</summary>
internal static class TinyMnist
{
    public const string TrainImages = "train-images-idx3-ubyte";
    public const string TrainLabels = "train-labels-idx1-ubyte";

    public const string TestLabels = "t10k-labels-idx1-ubyte";

    public static void SetLabel(string file, int row, byte label)
    {
        using FileStream stream = File.OpenWrite(file);
        stream.Position = 8 + row;
        stream.WriteByte(label);
    }

    public static void Write(string directory, int train = 300, int test = 100, int classes = 10)
    {
        Directory.CreateDirectory(directory);
        Write(directory, "train", EmbeddedMnist.Train.Take(train), classes);
        Write(directory, "t10k", EmbeddedMnist.Test.Take(test), classes);
    }

    private static void Write(string directory, string prefix, ImageDataset dataset, int classes)
    {
        Write(Path.Combine(directory, $"{prefix}-images-idx3-ubyte"), [dataset.Count, dataset.Height, dataset.Width], dataset.Pixels);
        Write(
            Path.Combine(directory, $"{prefix}-labels-idx1-ubyte"), [dataset.Count], [.. dataset.Labels.Select(label => (byte)(label % classes))]);
    }

    private static void Write(string path, int[] shape, byte[] elements)
    {
        using FileStream stream = File.Create(path);
        stream.Write([0, 0, 8, (byte)shape.Length]);
        Span<byte> size = stackalloc byte[4];
        foreach (int dimension in shape)
        {
            BinaryPrimitives.WriteInt32BigEndian(size, dimension);
            stream.Write(size);
        }

        stream.Write(elements);
    }
}
