using System.Diagnostics.CodeAnalysis;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>
/// An opened device: its ILGPU context and accelerator, the compiled kernels, and the stream that all work goes to. Everything
/// allocated on it must be disposed before it.
/// </summary>
/// <remarks>
/// One thread at a time may use a device and what lives on it (networks, images, logits, trainers), since all of it shares one stream;
/// devices that were opened apart may be used by a thread each.
/// </remarks>
public sealed class DistillDevice : IDisposable
{
    private readonly Context _context;
    private readonly AcceleratorStream? _ownStream;
    private bool _disposed;

    private DistillDevice(DeviceInfo info, Context context, Accelerator accelerator, KernelContext kernels, string choice)
    {
        Info = info;
        _context = context;
        Accelerator = accelerator;
        Kernels = kernels;
        Choice = choice;
        _ownStream = info.Kind == "cpu" ? null : accelerator.CreateStream();
    }

    /// <summary>What is known of the device.</summary>
    public DeviceInfo Info { get; }

    /// <summary>What its maker calls it.</summary>
    public string Name => Info.Name;

    /// <summary><c>cpu</c>, <c>cuda</c> or <c>opencl</c>.</summary>
    public string Kind => Info.Kind;

    /// <summary>The name that opens exactly this device, such as <c>cuda:1</c>.</summary>
    public string Selector => Info.Selector;

    /// <summary>One sentence: why this device and no other.</summary>
    public string Choice { get; }

    /// <summary>ILGPU's accelerator.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>What operations are bound with.</summary>
    public KernelContext Kernels { get; }

    /// <summary>
    /// The stream for launches and copies alike: one of its own on a GPU, where work on another stream (the accelerator's default
    /// one, which copies without a stream argument use) is not ordered with it; the default one on the CPU.
    /// </summary>
    public AcceleratorStream Stream => _ownStream ?? Accelerator.DefaultStream;

    /// <summary>For texts that tell results apart: the precision, where it is not exact.</summary>
    internal string PrecisionSuffix => Kernels.Precision == MatrixPrecision.Exact ? "" : $", {Kernels.Precision}";

    /// <summary>All devices of this machine, the CPU always among them.</summary>
    public static IReadOnlyList<DeviceInfo> List() => [.. DeviceCatalog.Find().Select(candidate => candidate.Info)];

    /// <summary>Opens a device.</summary>
    /// <param name="name">
    /// <c>auto</c>, <c>cpu</c>, <c>cuda</c>, <c>cuda:N</c>, <c>opencl</c> or <c>opencl:N</c>, in any case. <c>auto</c> takes the
    /// first that opens of CUDA, an OpenCL GPU, the CPU; <see cref="Choice"/> says which and why.
    /// </param>
    /// <param name="variant">Forces one kernel variant for everything; a SIMD variant makes <c>auto</c> take the CPU.</param>
    /// <param name="threads">
    /// Worker threads, for the CPU only, at most <see cref="KernelContext.MaxThreads"/>; 0 takes one per logical processor.
    /// </param>
    /// <param name="precision">
    /// The precision of all matrix products, in training and in evaluation: exact by default; on demand TF32 on tensor cores, or mixed
    /// precision with weights and activations in bf16, which runs on every device and is fast on tensor cores. Parameters, gradients of
    /// weights and everything that is saved are in single precision whatever is chosen, so a model trained in one is used in any.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There is no such variant or precision, or <paramref name="threads"/> is out of its range.
    /// </exception>
    /// <exception cref="DeviceNotFoundException">There is no such device; the message lists those that are here.</exception>
    /// <exception cref="NotSupportedException">
    /// The device cannot run <paramref name="variant"/> or has no tensor cores for <paramref name="precision"/>, or it is a GPU and
    /// <paramref name="threads"/> was given.
    /// </exception>
    /// <exception cref="InvalidOperationException">The device is here and its driver does not open it.</exception>
    public static DistillDevice Open(
        string name = "auto",
        KernelVariant variant = KernelVariant.Auto,
        int threads = 0,
        MatrixPrecision precision = MatrixPrecision.Exact)
    {
        ArgumentNullException.ThrowIfNull(name);
        KernelContext.CheckThreads(threads);
        if (!Enum.IsDefined(variant))
            throw new ArgumentOutOfRangeException(nameof(variant), variant, "There is no such variant.");
        return Open(name, variant, threads, DeviceCatalog.Find(), precision);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        Kernels.Dispose();
        _ownStream?.Dispose();
        Accelerator.Dispose();
        _context.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString() => Info.ToString();

    internal void ThrowIfDisposed()
    {
        if (_disposed)
            throw new ObjectDisposedException(nameof(DistillDevice), $"The device {Info} was disposed.");
    }

    /// <summary>A sentence on two things that are not on one device, which may be one that was opened twice.</summary>
    internal static string Apart(string firstIs, DistillDevice first, string secondIs, DistillDevice second) =>
        first.Info == second.Info
            ? $"{firstIs} on one opened device, {secondIs} on another, though both are {first.Info}; open it once, and use that for both."
            : $"{firstIs} on {first.Name}, {secondIs} on {second.Name}.";

    // For tests: with devices, and a way to load kernels, of their own.
    internal static DistillDevice Open(
        string name,
        KernelVariant variant,
        int threads,
        IReadOnlyList<DeviceCandidate> candidates,
        MatrixPrecision precision = MatrixPrecision.Exact,
        IKernelLoader? loader = null)
    {
        bool cpuOnly = variant is KernelVariant.Simd128 or KernelVariant.Simd256 or KernelVariant.Simd512;
        List<string> failures = [];
        foreach (DeviceCandidate candidate in DeviceSelection.Rank(name, candidates, cpuOnly))
        {
            if (threads > 0 && candidate.Info.Kind != "cpu")
            {
                throw new NotSupportedException(
                    $"Worker threads are for the CPU; {candidate.Info} has none. Leave the number out, or ask for cpu.");
            }

            if (TryCreate(candidate, out (Context Context, Accelerator Accelerator) opened) is { } failure)
            {
                failures.Add(failure);
                continue;
            }

            string choice = DeviceSelection.Explain(name, candidate.Info, candidates, cpuOnly, failures);
            try
            {
                KernelContext kernels = new(opened.Accelerator, variant, threads, precision) { Loader = loader };
                return new DistillDevice(candidate.Info, opened.Context, opened.Accelerator, kernels, choice);
            }
            catch
            {
                opened.Accelerator.Dispose();
                opened.Context.Dispose();
                throw;
            }
        }

        throw new InvalidOperationException($"No device opened: {string.Join("; ", failures)}.");
    }

    // A driver reports a device that it then cannot open as ILGPU's own exceptions or as whatever the library call threw.
    [SuppressMessage("Design", "CA1031", Justification = "The reason is kept, and said if no other device opens.")]
    private static string? TryCreate(DeviceCandidate candidate, out (Context Context, Accelerator Accelerator) opened)
    {
        AcceleratorType type = candidate.Info.Kind == "cuda" ? AcceleratorType.Cuda : AcceleratorType.CPU;
        Context context = Context.Create(builder => KernelContext.Prepare(builder, type));
        try
        {
            opened = (context, candidate.Create(context));
            return null;
        }
        catch (Exception exception)
        {
            context.Dispose();
            opened = default;
            return $"{candidate.Info} does not open ({exception.Message.ReplaceLineEndings(" ").Trim()})";
        }
    }
}
