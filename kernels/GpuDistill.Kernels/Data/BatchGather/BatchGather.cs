using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// Gathers a batch from a data set on the device, in one pass: draws the order, turns bytes into numbers, shifts each image
/// by a random number of pixels, drops pixels, and reports each image's row and label.
/// </summary>
/// <remarks>
/// Position i of step s is number g = s * B + i of the run, place k = g % L of epoch g / L, where L rows take part. Shuffled,
/// the row is permutation[k] of a permutation drawn per epoch; a subset then maps it to a row of the data set.
/// images[i, y, x] = pixels[row, y - dy, x - dx] / 255, and 0 where that lies outside; dx and dy are uniform in [-J, J].
/// Of the result a share p is dropped, and the rest divided by 1 - p. Everything random is a function of the seed, the
/// step and the position alone; all devices and variants give the same bits. Images in bf16 are those in single precision, rounded.
/// </remarks>
public static partial class BatchGather
{
    /// <summary>The label of an image that has none.</summary>
    public const int NoLabel = -100;

    // So that a column number, rounded up to a block of random words, is an int.
    private const int MaxPixels = 1 << 30;

    /// <summary>Binds the operation to its buffers.</summary>
    /// <typeparam name="T">The type of the pixels: <see cref="float"/> or <see cref="BFloat16"/>.</typeparam>
    /// <param name="context">The device.</param>
    /// <param name="source">The data set: M images of H x W bytes, and where given M labels and L numbers of rows, which are read
    /// once here and must be in place.</param>
    /// <param name="clock">The step's state, [1]. Before step 0 there are no rows.</param>
    /// <param name="target">The batch: [B x (H * W)] images, B row numbers, and where wanted B labels.</param>
    /// <param name="options">Seed, order, jitter and dropout; null for seed 0, shuffled, endless, neither jitter nor dropout.</param>
    /// <param name="variant">Forces a variant.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, buffers overlap, or a row of the subset is not in the data set.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option or a side of the images is out of its range.</exception>
    /// <exception cref="NotSupportedException">There are no kernels for <typeparamref name="T"/>, or the variant cannot run.</exception>
    public static Launch Bind<T>(
        KernelContext context,
        BatchSource source,
        ArrayView<StepState> clock,
        BatchTarget<T> target,
        BatchOptions? options = null,
        KernelVariant variant = KernelVariant.Auto)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(context);
        options ??= new();
        CheckSource(context, source, out int pixels, out int rows);
        CheckTarget(source, target, pixels);
        CheckOptions(source, options);
        Check.Length(clock, 1, "one state");
        BatchOrder order = new()
        {
            Seed = options.Seed,
            Length = source.Subset.Length > 0 ? (int)source.Subset.Length : rows,
            BatchSize = target.Images.Rows,
            Shuffle = options.Shuffle ? 1 : 0,
            Wrap = options.Wrap ? 1 : 0,
        };
        return StorageType.IsBFloat16<T>(nameof(BatchGather))
            ? Table<ushort, BFloat16Storage>.Variants.Bind(context, Of(StorageType.Bits(target.Images)), variant)
            : Table<float, FloatStorage>.Variants.Bind(context, Of(StorageType.Floats(target.Images)), variant);

        Arguments<TPixel> Of<TPixel>(Matrix<TPixel> images)
            where TPixel : unmanaged => new()
            {
                Pixels = source.Pixels,
                SourceLabels = source.Labels,
                Subset = source.Subset,
                Clock = clock,
                Images = images.Data,
                Rows = target.Rows,
                Labels = target.Labels,
                Order = order,
                Height = source.Height,
                Width = source.Width,
                Jitter = options.Jitter,
                Scale = (float)(1 / (255 * (1 - (double)options.InputDropout))),
                KeepFrom = (uint)Math.Ceiling((double)options.InputDropout * (1 << 24)) << 8,
            };
    }

    private static void CheckSource(KernelContext context, BatchSource source, out int pixels, out int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(source.Height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(source.Width, 1);
        long size = (long)source.Height * source.Width;
        if (size > MaxPixels)
            throw new ArgumentException($"Images of {source.Height} x {source.Width} are too large; at most {MaxPixels} pixels fit.", nameof(source));
        if (source.Pixels.Length == 0 || source.Pixels.Length % size != 0 || source.Pixels.Length / size > int.MaxValue)
        {
            throw new ArgumentException(
                $"source.Pixels has {source.Pixels.Length} bytes; it must have {size} for each of 1 to 2^31 - 1 images.", nameof(source));
        }

        pixels = (int)size;
        rows = (int)(source.Pixels.Length / size);
        if (source.Labels.Length > 0)
            Check.Length(source.Labels, rows, "one per image");
        CheckSubset(context, source.Subset, rows);
    }

    private static void CheckSubset(KernelContext context, ArrayView<int> subset, int rows)
    {
        if (subset.Length == 0)
            return;
        if (subset.Length > int.MaxValue)
            throw new ArgumentException($"source.Subset has {subset.Length} rows; at most 2^31 - 1 can take part.", nameof(subset));
        BufferOwners.Check(nameof(BatchGather), nameof(BatchSource.Subset), subset, context.Accelerator);
        int[] numbers = new int[subset.Length];
        context.Accelerator.Synchronize(); // the numbers may still be on their way to the device
        subset.CopyToCPU(numbers);
        foreach (int row in numbers)
        {
            if (row < 0 || row >= rows)
                throw new ArgumentException($"source.Subset holds row {row}; the data set has rows 0 to {rows - 1}.", nameof(subset));
        }
    }

    private static void CheckTarget<T>(BatchSource source, BatchTarget<T> target, int pixels)
        where T : unmanaged
    {
        if (target.Images.Rows < 1)
            throw new ArgumentException("target.Images has no rows; a batch needs at least one.", nameof(target));
        Check.Shape(target.Images, target.Images.Rows, pixels, "one column per pixel");
        Check.Length(target.Rows, target.Images.Rows, "one per image of the batch");
        if (target.Labels.Length > 0)
            Check.Length(target.Labels, target.Images.Rows, "one per image of the batch");
        Check.Apart(target.Images.Data, target.Rows);
        Check.Apart(target.Images.Data, target.Labels);
        Check.Apart(target.Rows, target.Labels);
        Check.Apart(source.Pixels, target.Images.Data);
        Check.Apart(source.Labels, target.Labels);
        Check.Apart(source.Labels, target.Rows);
        Check.Apart(source.Subset, target.Labels);
        Check.Apart(source.Subset, target.Rows);
    }

    private static void CheckOptions(BatchSource source, BatchOptions options)
    {
        Check.BelowOne(options.InputDropout);
        if (options.Jitter < 0 || (options.Jitter > 0 && options.Jitter >= Math.Min(source.Height, source.Width)))
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), options.Jitter, $"options.Jitter must be at least 0 and below both sides of the {source.Height} x {source.Width} images.");
        }
    }

    internal struct Arguments<T>
        where T : unmanaged
    {
        public ArrayView<byte> Pixels;
        public ArrayView<int> SourceLabels;
        public ArrayView<int> Subset;
        public ArrayView<StepState> Clock;
        public ArrayView<T> Images;
        public ArrayView<int> Rows;
        public ArrayView<int> Labels;
        public BatchOrder Order;
        public int Height;
        public int Width;
        public int Jitter;

        /// <summary>What a kept byte is multiplied by.</summary>
        public float Scale;

        /// <summary>The least random word that keeps a pixel; 0 keeps all. (word >> 8) * 2^-24 >= rate, in integers.</summary>
        public uint KeepFrom;
    }

    private static class Table<T, TStorage>
        where T : unmanaged
        where TStorage : unmanaged, IStorage<T>, ISimdStorage<T>
    {
        public static readonly VariantTable<Arguments<T>> Variants = new(nameof(BatchGather), BindPortable<T, TStorage>, BindCpu<T, TStorage>);
    }
}
