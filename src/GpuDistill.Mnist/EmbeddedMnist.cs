using System.IO.Compression;
using System.Security.Cryptography;

namespace GpuDistill.Mnist;

/// <summary>
/// The MNIST database of handwritten digits, carried in this assembly: 60,000 training and 10,000 test images of 28 x 28 pixels, by
/// Yann LeCun and Corinna Cortes, under CC BY-SA 3.0. Each part is unpacked and verified when it is first asked for.
/// </summary>
public static class EmbeddedMnist
{
    /// <summary>The number of classes.</summary>
    public const int Classes = 10;

    private static readonly Lazy<ImageDataset> LazyTrain = new(() => Load(
        "train",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "MNIST train"));

    private static readonly Lazy<ImageDataset> LazyTest = new(() => Load(
        "t10k",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        "MNIST test"));

    /// <summary>The 60,000 training images.</summary>
    /// <exception cref="DatasetException">The embedded data is not what it should be: the assembly is damaged.</exception>
    public static ImageDataset Train => LazyTrain.Value;

    /// <summary>The 10,000 test images.</summary>
    /// <exception cref="DatasetException">The embedded data is not what it should be: the assembly is damaged.</exception>
    public static ImageDataset Test => LazyTest.Value;

    /// <summary>The unpacked bytes of an embedded file, if their SHA-256 is the expected one.</summary>
    internal static MemoryStream Verified(string file, string sha256)
    {
        using Stream packed = typeof(EmbeddedMnist).Assembly.GetManifestResourceStream(file)
            ?? throw new DatasetException(file, "it is not embedded.");
        using GZipStream unpacked = new(packed, CompressionMode.Decompress);
        MemoryStream bytes = new();
        unpacked.CopyTo(bytes);
        bytes.Position = 0;
        string actual = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (actual != sha256)
            throw new DatasetException(file, $"it has the SHA-256 {actual} instead of {sha256}.");
        bytes.Position = 0;
        return bytes;
    }

    private static ImageDataset Load(string prefix, string imageHash, string labelHash, string name)
    {
        string imageFile = $"{prefix}-images-idx3-ubyte.gz";
        string labelFile = $"{prefix}-labels-idx1-ubyte.gz";
        using MemoryStream images = Verified(imageFile, imageHash);
        using MemoryStream labels = Verified(labelFile, labelHash);
        return IdxReader.ReadImages(images, imageFile, labels, labelFile, Classes, name);
    }
}
