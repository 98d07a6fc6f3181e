using System.Collections.Concurrent;
using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>
/// What kernels need of an accelerator: compiled kernels, kept once loaded, and on the CPU accelerator the worker threads.
/// Make one per accelerator and keep it; it does not own the accelerator. The accelerator's ILGPU context must have been
/// built with what <see cref="Prepare"/> sets.
/// </summary>
public sealed class KernelContext : IDisposable
{
    private readonly ConcurrentDictionary<MethodInfo, Delegate> _kernels = new();
    private readonly Lazy<CpuWorkers>? _workers;
    private readonly bool _emulatesCuda;

    /// <param name="accelerator">Any ILGPU accelerator.</param>
    /// <param name="variant">Forces one variant for every operation; Auto takes each operation's fastest.</param>
    /// <param name="threads">
    /// CPU accelerator only: worker threads, at most <see cref="MaxThreads"/>; 0 takes one per logical processor.
    /// </param>
    /// <param name="precision">The precision of matrix products.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="threads"/> is out of its range, or there is no such precision.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// The device cannot run <paramref name="variant"/>, or has no tensor cores for <paramref name="precision"/>.
    /// </exception>
    public KernelContext(
        Accelerator accelerator,
        KernelVariant variant = KernelVariant.Auto,
        int threads = 0,
        MatrixPrecision precision = MatrixPrecision.Exact)
        : this(accelerator, variant, threads, precision, emulatesCuda: false)
    {
    }

    private KernelContext(Accelerator accelerator, KernelVariant variant, int threads, MatrixPrecision precision, bool emulatesCuda)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        CheckThreads(threads);
        if (!Enum.IsDefined(precision))
            throw new ArgumentOutOfRangeException(nameof(precision), precision, "There is no such precision.");
        Accelerator = accelerator;
        Variant = variant;
        Precision = precision;
        _emulatesCuda = emulatesCuda;
        if (accelerator.AcceleratorType == AcceleratorType.CPU)
            _workers = new(() => new CpuWorkers(threads));
        if (variant != KernelVariant.Auto && !Supports(variant))
            throw new NotSupportedException($"{accelerator.Name} cannot run the variant {variant}.");
        if (precision == MatrixPrecision.Exact)
            return;
        if (variant is not (KernelVariant.Auto or KernelVariant.Cuda))
            throw new NotSupportedException($"The variant {variant} has no products in {precision}; {nameof(KernelVariant.Cuda)} has.");
        if (!HasTensorCores)
        {
            throw new NotSupportedException(
                $"{accelerator.Name} has no tensor cores for products in {precision}; they need CUDA and compute capability 8.0 or newer.");
        }
    }

    /// <summary>The accelerator.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>The variant forced for every operation, or Auto.</summary>
    public KernelVariant Variant { get; }

    /// <summary>The precision of matrix products.</summary>
    public MatrixPrecision Precision { get; }

    /// <summary>
    /// The most worker threads: 4 per logical processor, and 64 on a small machine. Workers wait for each other many times in a
    /// step, so more than there are processors only slow it down; some room above that shows that results do not depend on them.
    /// </summary>
    public static int MaxThreads => Math.Max(64, 4 * Environment.ProcessorCount);

    /// <summary>Worker threads of the CPU variants; 0 on a GPU.</summary>
    public int Threads => _workers?.Value.Count ?? 0;

    /// <summary>Whether threads of a warp can exchange values; ILGPU offers it for OpenCL on few devices.</summary>
    internal bool HasShuffles => Accelerator.AcceleratorType != AcceleratorType.OpenCL;

    /// <summary>
    /// Whether there are tensor cores for TF32 and asynchronous copies to shared memory, which came together. In tests, an accelerator
    /// with warps and groups as large as theirs.
    /// </summary>
    internal bool HasTensorCores => Accelerator is CudaAccelerator cuda
        ? PtxIntrinsics.AreOn(cuda)
        : _emulatesCuda && Accelerator.AcceleratorType == AcceleratorType.CPU
            && Accelerator.WarpSize == TensorCore.WarpSize && Accelerator.MaxNumThreadsPerGroup >= RowTeam.MaxGroupSize;

    /// <summary>Whether kernels may use <see cref="ShortConversion"/>.</summary>
    internal bool HasShortConversions => Accelerator is CudaAccelerator cuda
        ? PtxIntrinsics.AreKnownTo(cuda)
        : Accelerator.AcceleratorType == AcceleratorType.CPU;

    /// <summary>For tests: the tile of every CUDA product, where its plan would take another.</summary>
    internal CudaTileKind? ForcedTile { get; init; }

    internal CpuWorkers Workers =>
        _workers?.Value ?? throw new NotSupportedException("CPU variants need ILGPU's CPU accelerator.");

    /// <summary>
    /// Sets what the ILGPU context of an accelerator is built with: ILGPU's algorithms always, and for CUDA the optimization level
    /// that its kernels are written for and the instructions that its matrix products need (without them kernels are correct and slower).
    /// </summary>
    /// <param name="builder">The builder of the context.</param>
    /// <param name="type">The kind of accelerator that the context is for.</param>
    public static Context.Builder Prepare(Context.Builder builder, AcceleratorType type)
    {
        ArgumentNullException.ThrowIfNull(builder);
        PtxIntrinsics.Register(builder);
        return builder.EnableAlgorithms().Optimize(type == AcceleratorType.Cuda ? PtxCode.Level : OptimizationLevel.O1);
    }

    /// <summary>Whether the device can run the variant at all (an operation may still not offer it).</summary>
    public bool Supports(KernelVariant variant) => variant switch
    {
        KernelVariant.Auto or KernelVariant.Portable => true,
        KernelVariant.Cuda => _emulatesCuda || Accelerator.AcceleratorType == AcceleratorType.Cuda,
        _ => _workers is not null && SimdSupport.Has(variant),
    };

    // For tests: offers the CUDA variants on an accelerator that is none, as far as its language goes.
    internal static KernelContext EmulatingCuda(Accelerator accelerator, MatrixPrecision precision, CudaTileKind? tile) =>
        new(accelerator, KernelVariant.Cuda, 0, precision, emulatesCuda: true) { ForcedTile = tile };

    /// <summary>Stops the worker threads. The accelerator stays as it is.</summary>
    public void Dispose()
    {
        if (_workers is { IsValueCreated: true })
            _workers.Value.Dispose();
    }

    internal static void CheckThreads(int threads)
    {
        if (threads < 0 || threads > MaxThreads)
            throw new ArgumentOutOfRangeException(nameof(threads), threads, $"Worker threads must be from 1 to {MaxThreads}, or 0 for one per logical processor.");
    }

    /// <summary>The largest power of two that is at most <paramref name="preferred"/> and that the device allows as group size.</summary>
    internal int GroupSize(int preferred)
    {
        int size = 1;
        int limit = Math.Min(preferred, Accelerator.MaxNumThreadsPerGroup);
        while (size * 2 <= limit)
            size *= 2;
        return size;
    }

    /// <summary>
    /// Groups for <paramref name="work"/> items of which a group takes <paramref name="perGroup"/> at a time: enough to fill
    /// the device several times over, after which groups stride.
    /// </summary>
    internal int GroupsFor(long work, int perGroup)
    {
        long wanted = Math.Max(1, (work + perGroup - 1) / perGroup);
        return (int)Math.Min(wanted, 32L * Math.Max(1, Accelerator.NumMultiprocessors));
    }

    /// <summary>Loads an explicitly grouped kernel, once.</summary>
    internal Action<AcceleratorStream, KernelConfig, TArguments> Load<TArguments>(Action<TArguments> kernel)
        where TArguments : struct =>
        (Action<AcceleratorStream, KernelConfig, TArguments>)_kernels.GetOrAdd(kernel.Method, method =>
        {
            if (!method.IsDefined(typeof(KernelEntryAttribute)))
                throw new InvalidOperationException($"{method.DeclaringType?.Name}.{method.Name} has no {nameof(KernelEntryAttribute)}.");
            return Accelerator is CudaAccelerator cuda ? PtxCode.Load(cuda, kernel) : Accelerator.LoadKernel(kernel);
        });

    /// <summary>Binds a kernel to its arguments with <paramref name="groups"/> groups of <paramref name="groupSize"/> threads.</summary>
    internal Launch Portable<TArguments>(
        string operation,
        Action<TArguments> kernel,
        int groups,
        int groupSize,
        TArguments arguments,
        int sharedFloats = 0,
        KernelVariant variant = KernelVariant.Portable)
        where TArguments : struct
    {
        SharedMemoryConfig shared = sharedFloats > 0
            ? SharedMemoryConfig.RequestDynamic<float>(sharedFloats)
            : default;
        // Contexts of one accelerator share ILGPU's kernel objects, so the gate is the accelerator's.
        object? gate = Accelerator.AcceleratorType == AcceleratorType.OpenCL ? Accelerator : null;
        return new PortableLaunch<TArguments>(operation, variant, Load(kernel), new KernelConfig(groups, groupSize, shared), arguments, gate);
    }
}
