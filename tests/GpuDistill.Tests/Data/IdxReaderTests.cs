using System.IO.Compression;
using Xunit;

namespace GpuDistill.Tests.Data;

public sealed class IdxReaderTests : IDisposable
{
    private static readonly byte[] Images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30, 40, 50, 60];
    private static readonly byte[] Labels = [0, 0, 8, 1, 0, 0, 0, 2, 1, 0];
    private readonly string _directory = Directory.CreateTempSubdirectory("gpudistill-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Plain_and_packed_files_read_the_same(bool packed)
    {
        ImageDataset dataset = IdxReader.ReadImages(Write("i", Images, packed), Write("l", Labels, packed), 2);
        Assert.Equal(("i", 2, 1, 3, 2), (dataset.Name, dataset.Count, dataset.Height, dataset.Width, dataset.Classes));
        Assert.Equal([10, 20, 30, 40, 50, 60], dataset.Pixels);
        Assert.Equal([1, 0], dataset.Labels);
    }

    [Fact]
    public void Without_a_label_file_every_row_is_unlabelled() =>
        Assert.Equal([-100, -100], IdxReader.ReadImages(Write("i", Images), null, 7).Labels);

    [Fact]
    public void Data_beyond_the_first_chunk_arrives_whole()
    {
        const int Size = (1 << 24) + 12345;
        byte[] bytes = new byte[16 + Size];
        new Random(1).NextBytes(bytes);
        new byte[] { 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, Size >> 24, (Size >> 16) & 255, (Size >> 8) & 255, Size & 255 }.CopyTo(bytes, 0);
        Assert.True(IdxReader.ReadImages(Write("big", bytes), null, 2).Pixels.AsSpan().SequenceEqual(bytes.AsSpan(16)));
    }

    public static TheoryData<string, byte[]> BadImages => new()
    {
        { "it is truncated: the header takes 16 bytes, and there are 0", [] },
        { "it is truncated: the header takes 16 bytes, and there are 1", [0] },
        { "it is not an IDX file", [1, 0, 8, 3] },
        { "it is not an IDX file", "<html>not found</html>"u8.ToArray() },
        { "has the element type 0x0D", [0, 0, 0x0D, 3, 0, 0] },
        { "has 1 dimensions; images have 3", Labels },
        { "it is truncated: the header takes 16 bytes, and there are 15", Images[..15] },
        { "it is truncated: 6 elements are announced, and 0 are there", Images[..16] },
        { "it is truncated: 6 elements are announced, and 5 are there", Images[..21] },
        { "is too long", [.. Images, 0] },
        { "dimension 1 is 0", [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3] },
        { "claims more than", [0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 0, 1, 0, 0, 0, 3] },
        { "claims more than", [0, 0, 8, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0] },
        { "it is truncated: 2000000000 elements are announced", [0, 0, 8, 3, 0x77, 0x35, 0x94, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9] },
    };

    [Theory]
    [MemberData(nameof(BadImages))]
    public void A_damaged_image_file_is_named_with_what_is_wrong(string problem, byte[] bytes)
    {
        foreach (bool packed in (bool[])[false, true])
        {
            string file = Write("bad", bytes, packed);
            Expect(file, problem, () => IdxReader.ReadImages(file, null, 2));
        }
    }

    [Fact]
    public void Damaged_labels_are_named_with_the_row()
    {
        string images = Write("i", Images);
        string labels = Write("l", [0, 0, 8, 1, 0, 0, 0, 2, 1, 9]);
        Expect(labels, "row 1 has the label 9; with 9 classes it must be 0 to 8", () => IdxReader.ReadImages(images, labels, 9));
        string three = Write("three", [0, 0, 8, 1, 0, 0, 0, 3, 1, 0, 1]);
        Expect(three, $"it holds 3 labels; {images} holds 2 images", () => IdxReader.ReadImages(images, three, 9));
        Expect(images, "it has 3 dimensions; labels have 1", () => IdxReader.ReadImages(images, images, 9));
    }

    [Fact]
    public void A_packed_file_that_ends_early_or_was_altered_is_refused()
    {
        byte[] packed = File.ReadAllBytes(Write("packed", Images, packed: true));
        string cut = Write("cut", packed[..^14]);
        Expect(cut, "truncated", () => IdxReader.ReadImages(cut, null, 2));
        packed[^7] ^= 1; // the checksum
        string altered = Write("altered", packed);
        Expect(altered, "cannot be read", () => IdxReader.ReadImages(altered, null, 2));
    }

    [Fact]
    public void A_file_that_is_not_there_or_cannot_be_opened_is_named()
    {
        string missing = Path.Combine(_directory, "missing");
        Expect(missing, "there is no such file", () => IdxReader.ReadImages(missing, null, 2));
        Expect(_directory, "cannot be opened", () => IdxReader.ReadImages(_directory, null, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => IdxReader.ReadImages(Write("i", Images), null, 0));
    }

    [Fact]
    public void Mnist_files_load_from_a_directory_plain_or_packed()
    {
        string[] names = ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte"];
        foreach (string name in names)
            Write(name, name.Contains("images", StringComparison.Ordinal) ? Images : Labels, name.EndsWith(".gz", StringComparison.Ordinal));
        (ImageDataset train, ImageDataset test) = MnistFiles.Load(_directory, 20);
        Assert.Equal((2, 2, 20, 20), (train.Count, test.Count, train.Classes, test.Classes));
        Assert.EndsWith(" test", test.Name, StringComparison.Ordinal);

        Write("t10k-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6]);
        Expect(_directory, "1 x 3 pixels and test images 3 x 1", () => MnistFiles.Load(_directory));
        File.Delete(Path.Combine(_directory, names[0]));
        Expect(Path.Combine(_directory, names[0]), "there is no such file, nor one with .gz", () => MnistFiles.Load(_directory));
        Expect("/nowhere", "there is no such directory", () => MnistFiles.Load("/nowhere"));
    }

    [Fact]
    public void Classes_are_counted_from_the_labels_of_both_parts_unless_they_are_given()
    {
        byte[] other = [.. Labels[..8], 0, 250];
        foreach ((string name, byte[] bytes) in ((string, byte[])[])[
            ("train-images-idx3-ubyte", Images), ("t10k-images-idx3-ubyte", Images), ("train-labels-idx1-ubyte", Labels), ("t10k-labels-idx1-ubyte", other)])
        {
            Write(name, bytes);
        }

        (ImageDataset train, ImageDataset test) = MnistFiles.Load(_directory);
        Assert.Equal((251, 251), (train.Classes, test.Classes));
        Expect(
            Path.Combine(_directory, "t10k-labels-idx1-ubyte"), "row 1 has the label 250; with 10 classes it must be 0 to 9", () => MnistFiles.Load(_directory, 10));
    }

    private static void Expect(string file, string problem, Action action)
    {
        DatasetException exception = Assert.Throws<DatasetException>(action);
        Assert.Equal(file, exception.File);
        Assert.StartsWith($"{file}: ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(problem, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    private string Write(string name, byte[] bytes, bool packed = false)
    {
        string path = Path.Combine(_directory, name);
        using Stream file = File.Create(path);
        if (!packed)
        {
            file.Write(bytes);
            return path;
        }

        using GZipStream gzip = new(file, CompressionLevel.Fastest);
        gzip.Write(bytes);
        return path;
    }
}
