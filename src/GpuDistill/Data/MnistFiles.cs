namespace GpuDistill;

/// <summary>MNIST, or anything in its form (Fashion-MNIST, KMNIST), from a directory with the four files of the usual names.</summary>
public static class MnistFiles
{
    /// <summary>The number of classes.</summary>
    public const int Classes = 10;

    /// <summary>
    /// Reads <c>train-images-idx3-ubyte</c>, <c>train-labels-idx1-ubyte</c>, <c>t10k-images-idx3-ubyte</c> and
    /// <c>t10k-labels-idx1-ubyte</c>, each as it stands or with <c>.gz</c>.
    /// </summary>
    /// <exception cref="DatasetException">A file is missing or unusable, counts differ, or a label is out of range.</exception>
    public static (ImageDataset Train, ImageDataset Test) Load(string directory)
    {
        ArgumentNullException.ThrowIfNull(directory);
        if (!Directory.Exists(directory))
            throw new DatasetException(directory, "there is no such directory.");
        ImageDataset train = Read(directory, "train", "train");
        ImageDataset test = Read(directory, "t10k", "test");
        if (train.Height != test.Height || train.Width != test.Width)
        {
            throw new DatasetException(
                directory, $"training images have {train.Height} x {train.Width} pixels and test images {test.Height} x {test.Width}.");
        }

        return (train, test);
    }

    private static ImageDataset Read(string directory, string prefix, string part) => IdxReader.ReadImages(
        Locate(directory, $"{prefix}-images-idx3-ubyte"),
        Locate(directory, $"{prefix}-labels-idx1-ubyte"),
        Classes,
        $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(directory))} {part}");

    private static string Locate(string directory, string name)
    {
        string plain = Path.Combine(directory, name);
        string packed = plain + ".gz";
        return File.Exists(plain) ? plain
            : File.Exists(packed) ? packed
            : throw new DatasetException(plain, "there is no such file, nor one with .gz.");
    }
}
