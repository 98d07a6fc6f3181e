namespace GpuDistill;

/// <summary>MNIST, or anything in its form (Fashion-MNIST, KMNIST), from a directory with the four files of the usual names.</summary>
public static class MnistFiles
{
    // A label is a byte, so this many can be told apart.
    private const int Labels = 256;

    /// <summary>
    /// Reads <c>train-images-idx3-ubyte</c>, <c>train-labels-idx1-ubyte</c>, <c>t10k-images-idx3-ubyte</c> and
    /// <c>t10k-labels-idx1-ubyte</c>, each as it stands or with <c>.gz</c>.
    /// </summary>
    /// <param name="directory">Where they are.</param>
    /// <param name="classes">The number of classes; null counts up to the largest label of both parts.</param>
    /// <exception cref="DatasetException">A file is missing or unusable, counts differ, or a label is out of range.</exception>
    public static (ImageDataset Train, ImageDataset Test) Load(string directory, int? classes = null)
    {
        ArgumentNullException.ThrowIfNull(directory);
        if (!Directory.Exists(directory))
            throw new DatasetException(directory, "there is no such directory.");
        ImageDataset train = Read(directory, "train", "train", classes ?? Labels);
        ImageDataset test = Read(directory, "t10k", "test", classes ?? Labels);
        if (train.Height != test.Height || train.Width != test.Width)
        {
            throw new DatasetException(
                directory, $"training images have {train.Height} x {train.Width} pixels and test images {test.Height} x {test.Width}.");
        }

        if (classes is not null)
            return (train, test);
        int found = 1 + Math.Max(train.Labels.Max(), test.Labels.Max());
        return (train.WithClasses(found), test.WithClasses(found));
    }

    private static ImageDataset Read(string directory, string prefix, string part, int classes) => IdxReader.ReadImages(
        Locate(directory, $"{prefix}-images-idx3-ubyte"),
        Locate(directory, $"{prefix}-labels-idx1-ubyte"),
        classes,
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
