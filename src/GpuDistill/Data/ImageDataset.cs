namespace GpuDistill;

/// <summary>
/// Images of one size and one byte per pixel, with their labels. Immutable; what selects rows makes a new data set.
/// </summary>
public sealed class ImageDataset
{
    /// <summary>The label of a row whose class is not known. Losses leave out what needs the label there.</summary>
    public const int Unlabelled = -100;

    private readonly Lazy<string> _fingerprint;
    private readonly Lazy<string> _pixelHash;

    /// <summary>A data set over arrays that from now on belong to it.</summary>
    /// <param name="name">For messages and reports.</param>
    /// <param name="height">Rows of pixels per image, at least 1.</param>
    /// <param name="width">Pixels per row, at least 1.</param>
    /// <param name="classes">The number of classes, at least 1.</param>
    /// <param name="pixels">[labels.Length x height x width], 0 is background.</param>
    /// <param name="labels">A class from 0 to <paramref name="classes"/> - 1 per image, or <see cref="Unlabelled"/>.</param>
    /// <exception cref="ArgumentException">The pixels do not fit the labels, or a label is out of range (the message has its row).</exception>
    public ImageDataset(string name, int height, int width, int classes, byte[] pixels, int[] labels)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        if ((long)height * width > Array.MaxLength)
            throw new ArgumentException($"{name}: an image of {height} x {width} pixels is too large.", nameof(height));
        if (pixels.LongLength != (long)labels.Length * height * width)
        {
            throw new ArgumentException(
                $"{name}: {labels.Length} images of {height} x {width} need {(long)labels.Length * height * width} pixels; there are {pixels.Length}.",
                nameof(pixels));
        }

        int wrong = FirstLabelOutOfRange(labels, classes);
        if (wrong >= 0)
            throw new ArgumentException($"{name}: {LabelOutOfRange(wrong, labels[wrong], classes)}", nameof(labels));
        (Name, Height, Width, Classes, Pixels, Labels) = (name, height, width, classes, pixels, labels);
        _pixelHash = new(() => HostCopies.Fingerprint([Pixels]));
        _fingerprint = new(() => $"{PixelHash}-{HostCopies.Fingerprint([Labels])}");
    }

    /// <summary>For messages and reports.</summary>
    public string Name { get; }

    /// <summary>The number of images.</summary>
    public int Count => Labels.Length;

    /// <summary>Rows of pixels per image.</summary>
    public int Height { get; }

    /// <summary>Pixels per row.</summary>
    public int Width { get; }

    /// <summary>Pixels per image.</summary>
    public int Features => Height * Width;

    /// <summary>The number of classes.</summary>
    public int Classes { get; }

    /// <summary>All pixels, [Count x Height x Width], to be read only.</summary>
    public byte[] Pixels { get; }

    /// <summary>All labels, to be read only: a class, or <see cref="Unlabelled"/>.</summary>
    public int[] Labels { get; }

    /// <summary>The pixels of one image.</summary>
    public ReadOnlySpan<byte> Image(int row) => Pixels.AsSpan(checked(row * Features), Features);

    /// <summary>The numbers of the rows whose label satisfies <paramref name="label"/>, ascending.</summary>
    public int[] Where(Predicate<int> label)
    {
        ArgumentNullException.ThrowIfNull(label);
        List<int> rows = [];
        for (int row = 0; row < Count; row++)
        {
            if (label(Labels[row]))
                rows.Add(row);
        }

        return [.. rows];
    }

    /// <summary>The first <paramref name="count"/> images.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not that many.</exception>
    public ImageDataset Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count);
        return new ImageDataset(Name, Height, Width, Classes, Pixels[..(count * Features)], Labels[..count]);
    }

    /// <summary>The images of the given rows, in that order; a row may come more than once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public ImageDataset Take(ReadOnlySpan<int> rows)
    {
        byte[] pixels = new byte[checked(rows.Length * Features)];
        int[] labels = new int[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            int row = rows[i];
            if ((uint)row >= (uint)Count)
                throw new ArgumentOutOfRangeException(nameof(rows), row, $"{Name} has rows 0 to {Count - 1}.");
            Image(row).CopyTo(pixels.AsSpan(i * Features));
            labels[i] = Labels[row];
        }

        return new ImageDataset(Name, Height, Width, Classes, pixels, labels);
    }

    /// <summary>A random <paramref name="count"/> of the images, each at most once, the same for the same seed on every machine.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not that many.</exception>
    public ImageDataset Sample(int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count);
        return Take(RowShuffle.Rows(Count, seed).AsSpan(0, count));
    }

    /// <summary>
    /// Divides the images at random into <paramref name="validation"/> of them and the rest, the same for the same seed on every
    /// machine. Classes are not balanced. Both parts keep the order of the rows.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not that many.</exception>
    public (ImageDataset Train, ImageDataset Validation) Split(int validation, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(validation);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(validation, Count);
        int[] rows = RowShuffle.Rows(Count, seed);
        Array.Sort(rows, 0, validation);
        Array.Sort(rows, validation, Count - validation);
        return (Take(rows.AsSpan(validation)), Take(rows.AsSpan(0, validation)));
    }

    /// <summary>The same images with other labels: for transfer sets that are labelled in part or not at all.</summary>
    /// <exception cref="ArgumentException">The count differs, or a label is out of range.</exception>
    public ImageDataset WithLabels(int[] labels) => new(Name, Height, Width, Classes, Pixels, labels);

    /// <summary>The same images and labels with another number of classes.</summary>
    /// <exception cref="ArgumentException">A label is out of range.</exception>
    public ImageDataset WithClasses(int classes) => new(Name, Height, Width, classes, Pixels, Labels);

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Count} images of {Height} x {Width}, {Classes} classes";

    /// <summary>The first half of the SHA-256 of all pixels, as text: tells these images from others whatever their labels. Worked out when first asked for.</summary>
    public string PixelHash => _pixelHash.Value;

    /// <summary>Tells images and labels from others; worked out when first asked for.</summary>
    internal string Fingerprint => _fingerprint.Value;

    internal static int FirstLabelOutOfRange(ReadOnlySpan<int> labels, int classes)
    {
        for (int row = 0; row < labels.Length; row++)
        {
            if (IsOutOfRange(labels[row], classes))
                return row;
        }

        return -1;
    }

    internal static bool IsOutOfRange(int label, int classes) => label != Unlabelled && (uint)label >= (uint)classes;

    internal static string LabelOutOfRange(int row, int label, int classes) =>
        $"row {row} has the label {label}; with {classes} classes it must be 0 to {classes - 1}{(label < 0 ? $", or {Unlabelled} where it is not known" : "")}.";
}
