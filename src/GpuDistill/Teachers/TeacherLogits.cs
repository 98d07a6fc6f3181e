using System.Collections;
using System.Globalization;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>
/// The teacher's logits for every row of a transfer set, [rows x classes], resident on the device: computed there or loaded
/// once, then gathered by row index in the loss kernel, batch by batch, and never copied again. <see cref="Uploads"/>
/// counts the copies from host to device, all of which one method makes.
/// </summary>
public sealed class TeacherLogits : IDisposable
{
    private const string KindKey = "gpudistill.teachers";
    private const string TemperatureKey = "gpudistill.temperature";
    private const string ImagesKey = "gpudistill.images";

    // All bits of a float: a NaN.
    private const byte NaNByte = 0xFF;

    private readonly MemoryBuffer1D<float, Stride1D.Dense> _buffer;
    private readonly Matrix<float> _logits;
    private readonly ImageDataset? _images;
    private readonly string? _imagesHash;

    // Which rows were computed; null for all.
    private readonly BitArray? _rows;
    private string? _fingerprint;

    private TeacherLogits(DistillDevice device, int rows, int classes, float? temperature, ResidentImages? images = null, string? imagesHash = null)
    {
        device.ThrowIfDisposed();
        Device = device;
        Temperature = temperature;
        _images = images?.Dataset;
        _imagesHash = imagesHash;
        _buffer = device.Accelerator.Allocate1D<float>((long)rows * classes);
        _logits = new Matrix<float>(_buffer.View, rows, classes);
        if (images is not { IsSubset: true })
            return;
        _rows = new BitArray(rows);
        foreach (int row in images.Rows)
            _rows[row] = true;
    }

    /// <summary>The device that holds the logits.</summary>
    public DistillDevice Device { get; }

    /// <summary>Rows of the transfer set.</summary>
    public int Rows => _logits.Rows;

    /// <summary>Classes.</summary>
    public int Classes => _logits.Columns;

    /// <summary>
    /// The only temperature at which these logits may be used, or null for any. Set for the arithmetic mean of several
    /// teachers, whose predictions were averaged at this temperature.
    /// </summary>
    public float? Temperature { get; }

    /// <summary>
    /// The <see cref="ImageDataset.PixelHash"/> of the images that these are the logits of, or null where it is not known. Nothing
    /// else is trained or measured with them: rows of other images would meet the wrong logits.
    /// </summary>
    public string? ImagesHash => _images?.PixelHash ?? _imagesHash;

    /// <summary>Bytes on the device.</summary>
    public long Bytes => _logits.Data.Length * sizeof(float);

    /// <summary>Copies of logits from host to device so far: 0 for logits computed on the device, 1 for loaded ones.</summary>
    public int Uploads { get; private set; }

    /// <summary>The logits on the device, [rows x classes], for use with the kernels directly.</summary>
    /// <exception cref="ObjectDisposedException">They were disposed.</exception>
    public Matrix<float> Logits
    {
        get
        {
            ThrowIfDisposed();
            return _logits;
        }
    }

    /// <summary>Runs one or more teachers once over a transfer set and averages their predictions, all on the device.</summary>
    /// <param name="teachers">Trained networks with the same inputs and classes, on the same device.</param>
    /// <param name="images">The transfer set; rows outside a subset become NaN, so that they cannot be used unnoticed.</param>
    /// <param name="mean">How several teachers are averaged; without effect for one.</param>
    /// <param name="temperature">The temperature at which the arithmetic mean is taken.</param>
    /// <param name="progress">Told now and then how far it is.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="ArgumentException">No teacher, or one that does not fit the images or the others.</exception>
    /// <exception cref="InvalidOperationException">A teacher has no parameters yet.</exception>
    public static TeacherLogits Compute(
        IReadOnlyList<Network> teachers,
        ResidentImages images,
        TeacherMeanKind mean = TeacherMeanKind.Geometric,
        float temperature = 1,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(teachers);
        ArgumentNullException.ThrowIfNull(images);
        if (teachers.Count == 0)
            throw new ArgumentException("At least one teacher is needed.", nameof(teachers));
        foreach (Network teacher in teachers)
        {
            images.CheckFits(teacher);
            teacher.ThrowIfUnset();
            if (teacher.Shape.Classes != teachers[0].Shape.Classes)
                throw new ArgumentException($"The teachers {teachers[0].Shape} and {teacher.Shape} differ in their class counts.", nameof(teachers));
        }

        bool arithmetic = mean == TeacherMeanKind.Arithmetic && teachers.Count > 1;
        TeacherLogits store = new(images.Device, images.Count, teachers[0].Shape.Classes, arithmetic ? temperature : null, images);
        try
        {
            if (images.IsSubset)
                store._buffer.MemSet(images.Device.Stream, NaNByte);
            new TeacherRun(teachers, images, store.Logits, mean, temperature).Run(progress, cancellation);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Copies logits [rows x classes] to the device, once.</summary>
    /// <param name="device">The device.</param>
    /// <param name="logits">The logits, row by row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="classes">Classes.</param>
    /// <param name="temperature">The only temperature at which they may be used; null for any.</param>
    /// <param name="imagesHash">The <see cref="ImageDataset.PixelHash"/> of the images they belong to; null leaves that to the caller.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, or a row has no softmax (NaN, +infinity, only -infinity).</exception>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is no finite number above 0.</exception>
    public static TeacherLogits FromHost(DistillDevice device, float[] logits, int rows, int classes, float? temperature = null, string? imagesHash = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(logits);
        if (rows < 1 || classes < 1 || logits.Length != (long)rows * classes)
            throw new ArgumentException($"{logits.Length} logits are not [{rows} x {classes}].", nameof(logits));
        if (temperature is float only)
            Check.Temperature(only, nameof(temperature));
        if (FirstRowWithoutSoftmax(logits, classes) is int row)
            throw new ArgumentException($"Row {row} of the logits has no softmax: it holds NaN, +infinity or nothing but -infinity.", nameof(logits));
        TeacherLogits store = new(device, rows, classes, temperature, imagesHash: imagesHash);
        try
        {
            store.Upload(logits);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads logits that <see cref="Save"/> wrote, or those of another tool: a safetensors file with a tensor <c>logits</c>
    /// [rows x classes] of type F16, BF16, F32 or F64, a row for each image of the transfer set in their order.
    /// </summary>
    /// <exception cref="ModelFileException">The file is missing or damaged, or a row has no softmax.</exception>
    public static TeacherLogits Load(DistillDevice device, string path)
    {
        SafeTensorFile file = SafeTensors.Read(path);
        (int[] shape, float[] values) = file.Get("logits", -1, -1);
        float? temperature = null;
        if (file.Metadata.TryGetValue(TemperatureKey, out string? text))
        {
            if (!float.TryParse(text, CultureInfo.InvariantCulture, out float value) || !(value > 0) || !float.IsFinite(value) || !float.IsFinite(1 / value))
                throw new ModelFileException(path, $"its temperature '{text}' is no number above 0");
            temperature = value;
        }

        if (values.Length == 0)
            throw new ModelFileException(path, "it holds no logits");
        if (FirstRowWithoutSoftmax(values, shape[1]) is int row)
            throw new ModelFileException(path, $"row {row} has no softmax: it holds NaN, +infinity or nothing but -infinity");
        return FromHost(device, values, shape[0], shape[1], temperature, file.Metadata.GetValueOrDefault(ImagesKey));
    }

    /// <summary>Writes the logits to a safetensors file.</summary>
    public void Save(string path)
    {
        Dictionary<string, string> metadata = new() { [KindKey] = "logits" };
        if (Temperature is float temperature)
            metadata[TemperatureKey] = temperature.ToString("R", CultureInfo.InvariantCulture);
        if (ImagesHash is string images)
            metadata[ImagesKey] = images;
        SafeTensors.WritePieces(path, metadata, [new TensorPieces("logits", [Rows, Classes], Logits.Data.ToHostInPieces(Device))]);
    }

    /// <summary>Copies the logits to the host, [rows x classes].</summary>
    /// <exception cref="NotSupportedException">They are more than an array holds; <see cref="Save"/> has no such limit.</exception>
    public float[] ToHost() => Logits.Data.ToHost(Device);

    /// <inheritdoc/>
    public void Dispose() => _buffer.Dispose();

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_buffer.IsDisposed, this);

    /// <summary>Throws if these are the logits of other images.</summary>
    internal void CheckBelongTo(ResidentImages images)
    {
        if (Rows != images.Count)
            throw new ArgumentException($"The teacher's logits have {Rows} rows, '{images.Dataset.Name}' has {images.Count}.");
        if (_images?.Pixels == images.Dataset.Pixels)
            return; // the very same, and no need to work out a hash
        if (ImagesHash is string hash && hash != images.Dataset.PixelHash)
            throw new ArgumentException($"The teacher's logits are those of other images than '{images.Dataset.Name}': {hash}, not {images.Dataset.PixelHash}.");
    }

    /// <summary>Throws where logits of a subset would be asked for a row outside it.</summary>
    internal void CheckCovers(IEnumerable<int> rows, ImageDataset images)
    {
        if (_rows is null)
            return;
        foreach (int row in rows)
        {
            if (!_rows[row])
                throw new ArgumentException($"Row {row} of '{images.Name}' lies outside the subset of images that the teacher's logits were computed for.");
        }
    }

    /// <summary>Which logits, to the bit: what a checkpoint belongs to. Reads them once from the device.</summary>
    internal string Describe() =>
        $"logits [{Rows} x {Classes}] ({_fingerprint ??= HostCopies.Fingerprint(Logits.Data.ToHostInPieces(Device))})";

    private static int? FirstRowWithoutSoftmax(float[] logits, int classes)
    {
        for (int row = 0; row < logits.Length / classes; row++)
        {
            ReadOnlySpan<float> values = logits.AsSpan(row * classes, classes);
            float maximum = float.NegativeInfinity;
            bool broken = false;
            foreach (float value in values)
            {
                broken |= float.IsNaN(value);
                maximum = MathF.Max(maximum, value);
            }

            if (broken || !float.IsFinite(maximum))
                return row;
        }

        return null;
    }

    // The only way that logits take from the host to the device.
    private void Upload(float[] logits)
    {
        Logits.Data.FromHost(Device, logits);
        Uploads++;
    }
}
