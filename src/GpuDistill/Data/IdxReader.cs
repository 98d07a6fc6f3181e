using System.Buffers.Binary;
using System.IO.Compression;

namespace GpuDistill;

/// <summary>
/// Reads IDX files of unsigned bytes (the format of MNIST), plain or gzip, told apart by their first bytes. The format: two zero
/// bytes, the element type, the number of dimensions, the dimensions as 32-bit big-endian numbers, the elements.
/// </summary>
/// <remarks>Every failure is a <see cref="DatasetException"/>: missing, truncated, too long, another type, another rank.</remarks>
public static class IdxReader
{
    private const byte UnsignedByte = 0x08;
    private const int FirstChunk = 1 << 24;

    /// <summary>Reads images with their labels.</summary>
    /// <param name="images">The image file: three dimensions, count x height x width.</param>
    /// <param name="labels">The label file, one dimension; null if no label is known.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="name">The data set's name; null takes the image file's.</param>
    /// <exception cref="DatasetException">A file is unusable, the counts differ, or a label is out of range.</exception>
    public static ImageDataset ReadImages(string images, string? labels, int classes, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        using Stream imageStream = Open(images);
        if (labels is null)
            return Combine(imageStream, images, null, "", classes, name ?? Path.GetFileName(images));
        using Stream labelStream = Open(labels);
        return Combine(imageStream, images, labelStream, labels, classes, name ?? Path.GetFileName(images));
    }

    /// <summary>Reads images with their labels from streams.</summary>
    /// <param name="images">The images; need not be seekable.</param>
    /// <param name="imageFile">What messages call them.</param>
    /// <param name="labels">The labels; null if none is known.</param>
    /// <param name="labelFile">What messages call them.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="name">The data set's name.</param>
    /// <exception cref="DatasetException">A stream is unusable, the counts differ, or a label is out of range.</exception>
    public static ImageDataset ReadImages(
        Stream images, string imageFile, Stream? labels, string labelFile, int classes, string name)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(imageFile);
        ArgumentNullException.ThrowIfNull(labelFile);
        ArgumentNullException.ThrowIfNull(name);
        return Combine(images, imageFile, labels, labelFile, classes, name);
    }

    private static ImageDataset Combine(
        Stream images, string imageFile, Stream? labels, string labelFile, int classes, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        (byte[] pixels, int[] shape) = Read(images, imageFile, "images", 3);
        int[] values = new int[shape[0]];
        if (labels is null)
        {
            Array.Fill(values, ImageDataset.Unlabelled);
        }
        else
        {
            (byte[] bytes, int[] labelShape) = Read(labels, labelFile, "labels", 1);
            if (labelShape[0] != shape[0])
                throw new DatasetException(labelFile, $"it holds {labelShape[0]} labels; {imageFile} holds {shape[0]} images.");
            for (int row = 0; row < values.Length; row++)
                values[row] = bytes[row];
            int wrong = ImageDataset.FirstLabelOutOfRange(values, classes);
            if (wrong >= 0)
                throw new DatasetException(labelFile, ImageDataset.LabelOutOfRange(wrong, values[wrong], classes));
        }

        return new ImageDataset(name, shape[1], shape[2], classes, pixels, values);
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DatasetException(path, "there is no such file.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new DatasetException(path, $"it cannot be opened: {exception.Message}", exception);
        }
    }

    private static (byte[] Elements, int[] Shape) Read(Stream stream, string file, string content, int rank)
    {
        try
        {
            byte[] magic = new byte[2];
            int got = stream.ReadAtLeast(magic, 2, throwOnEndOfStream: false);
            using PrefixedStream whole = new(magic.AsMemory(0, got), stream);
            if (got < 2 || magic[0] != 0x1F || magic[1] != 0x8B)
                return Parse(whole, file, content, rank);
            using GZipStream unpacked = new(whole, CompressionMode.Decompress);
            return Parse(unpacked, file, content, rank);
        }
        catch (Exception exception) when (exception is InvalidDataException or (IOException and not DatasetException))
        {
            throw new DatasetException(file, $"it cannot be read: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }

    private static (byte[] Elements, int[] Shape) Parse(Stream stream, string file, string content, int rank)
    {
        byte[] header = new byte[4 + (4 * rank)];
        int got = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (got >= 2 && (header[0] != 0 || header[1] != 0))
            throw new DatasetException(file, "it is not an IDX file: it must begin with two zero bytes.");
        if (got >= 3 && header[2] != UnsignedByte)
            throw new DatasetException(file, $"it has the element type 0x{header[2]:X2}; {content} must be unsigned bytes, 0x08.");
        if (got >= 4 && header[3] != rank)
            throw new DatasetException(file, $"it has {header[3]} dimensions; {content} have {rank}{(rank == 3 ? ", count x height x width" : "")}.");
        if (got < header.Length)
            throw new DatasetException(file, $"it is truncated: the header takes {header.Length} bytes, and there are {got}.");

        int[] shape = new int[rank];
        long length = 1;
        for (int i = 0; i < rank; i++)
        {
            uint size = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4 + (4 * i)));
            if (size == 0)
                throw new DatasetException(file, $"it holds no {content}: dimension {i + 1} is 0.");
            if (size > Array.MaxLength || (length *= size) > Array.MaxLength)
                throw new DatasetException(file, $"it claims more than {Array.MaxLength} elements (dimension {i + 1} is {size}).");
            shape[i] = (int)size;
        }

        return (Elements(stream, file, (int)length), shape);
    }

    // Grown as the data arrives: a damaged header must not allocate gigabytes before the end of the file shows it up.
    private static byte[] Elements(Stream stream, string file, int length)
    {
        byte[] elements = new byte[Math.Min(length, FirstChunk)];
        int filled = 0;
        while (true)
        {
            filled += stream.ReadAtLeast(elements.AsSpan(filled), elements.Length - filled, throwOnEndOfStream: false);
            if (filled < elements.Length)
                throw new DatasetException(file, $"it is truncated: {length} elements are announced, and {filled} are there.");
            if (filled == length)
                break;
            Array.Resize(ref elements, (int)Math.Min(length, 2L * filled));
        }

        if (stream.ReadByte() >= 0)
            throw new DatasetException(file, $"it is too long: more than the announced {length} elements are there.");
        return elements;
    }
}
