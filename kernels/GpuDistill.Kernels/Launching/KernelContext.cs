using System.Collections.Concurrent;
using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace GpuDistill.Kernels;

/// <summary>
/// What kernels need of an accelerator: compiled kernels, kept once loaded, and on the CPU accelerator the worker threads.
/// Make one per accelerator and keep it; it does not own the accelerator. The accelerator's ILGPU context must have ILGPU's algorithms,
/// and for CUDA's full speed be built with what <see cref="Prepare"/> sets.
/// </summary>
/// <remarks>
/// Several threads may bind operations with one context and run launches over buffers of their own at once, though not one launch; on the
/// CPU the launches take turns. On a GPU each thread needs a stream of its own.
/// </remarks>
public sealed class KernelContext : IDisposable
{
    private readonly ConcurrentDictionary<MethodInfo, Delegate> _kernels = new();
    private readonly Lazy<CpuWorkers>? _workers;
    private readonly OpenClCode? _openCl;
    private readonly bool _emulatesCuda;
    private readonly Lazy<bool> _warpGroups;

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
        : this(accelerator, variant, threads, precision, emulatesCuda: false, subGroups: null)
    {
    }

    private KernelContext(
        Accelerator accelerator, KernelVariant variant, int threads, MatrixPrecision precision, bool emulatesCuda, OpenClSubGroups? subGroups)
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
        if (precision == MatrixPrecision.Tf32)
            CheckTensorCores();
        _warpGroups = new(() => accelerator is CudaAccelerator cuda ? WarpGroupProbe.Passes(cuda) : HasTensorCores);
        if (accelerator is CLAccelerator openCl)
            _openCl = subGroups is { } forced ? new OpenClCode(openCl, forced) : OpenClCode.For(openCl);
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

    /// <summary>
    /// Whether warps have a size that is known when a kernel is bound, so that a team can be chosen to lie within one. OpenCL's sub-groups
    /// have one that the driver chooses for each kernel.
    /// </summary>
    internal bool HasFixedWarps => Accelerator.AcceleratorType != AcceleratorType.OpenCL;

    /// <summary>
    /// Whether there are tensor cores for TF32 and bf16 (CUDA, compute capability 8.0; asynchronous copies to shared memory came with them).
    /// </summary>
    /// <remarks>In tests, an accelerator with warps and groups as large as theirs.</remarks>
    public bool HasTensorCores => Accelerator is CudaAccelerator cuda
        ? cuda.Architecture >= TensorCore.Oldest
        : _emulatesCuda && Accelerator.AcceleratorType == AcceleratorType.CPU
            && Accelerator.WarpSize == TensorCore.WarpSize && Accelerator.MaxNumThreadsPerGroup >= RowTeam.MaxGroupSize;

    /// <summary>
    /// Whether products in bf16 may run on Hopper's warpgroups: a device of compute capability 9.0 on which <see cref="WarpGroupProbe"/>
    /// finds that they do what they should. The first question runs it.
    /// </summary>
    internal bool HasWarpGroups => !AvoidsWarpGroups && (TrustsWarpGroups || _warpGroups.Value);

    /// <summary>Why a CUDA device does without warpgroups, in words; null where it has them, and where there is nothing to ask.</summary>
    internal string? WarpGroupRefusal => Accelerator is CudaAccelerator cuda ? WarpGroupProbe.Refusal(cuda) : null;

    /// <summary>In words, what the bits of results depend on beside variants and precision: on CUDA, what tiles follow from.</summary>
    internal string Traits => Accelerator is CudaAccelerator cuda
        ? $", {cuda.Architecture}, {cuda.NumMultiprocessors} multiprocessors{(_warpGroups is { IsValueCreated: true, Value: true } ? ", warpgroups" : "")}"
        : "";

    /// <summary>For timings and tests: products as on a device that has no warpgroups.</summary>
    internal bool AvoidsWarpGroups { get; init; }

    private bool TrustsWarpGroups { get; init; }

    /// <summary>For tests: the tile of every CUDA product, where its plan would take another.</summary>
    internal CudaTileKind? ForcedTile { get; init; }

    /// <summary>For tests: what runs kernels in the accelerator's place.</summary>
    internal IKernelLoader? Loader { get; init; }

    internal CpuWorkers Workers =>
        _workers?.Value ?? throw new NotSupportedException("CPU variants need ILGPU's CPU accelerator.");

    /// <summary>
    /// Sets what the ILGPU context of an accelerator is built with: ILGPU's algorithms always, and for CUDA the optimization level
    /// that its kernels are written for (without it they are correct and slower). On Linux it also lets ILGPU find drivers by their
    /// versioned names, unless the program has a resolver for ILGPU's libraries itself.
    /// </summary>
    /// <param name="builder">The builder of the context.</param>
    /// <param name="type">The kind of accelerator that the context is for.</param>
    public static Context.Builder Prepare(Context.Builder builder, AcceleratorType type)
    {
        ArgumentNullException.ThrowIfNull(builder);
        NativeDrivers.Prepare();
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
    internal static KernelContext EmulatingCuda(
        Accelerator accelerator,
        MatrixPrecision precision,
        CudaTileKind? tile,
        bool avoidsWarpGroups = false,
        IKernelLoader? loader = null) =>
        new(accelerator, KernelVariant.Cuda, 0, precision, emulatesCuda: true, subGroups: null)
        {
            ForcedTile = tile,
            AvoidsWarpGroups = avoidsWarpGroups,
            Loader = loader,
        };

    // For the probe: all products on warpgroups, though nobody knows yet what they do.
    internal static KernelContext TrustingWarpGroups(Accelerator accelerator) =>
        new(accelerator) { ForcedTile = CudaTileKind.WarpGroup, TrustsWarpGroups = true };

    // For tests: sub-groups where the library would do without, on an OpenCL accelerator.
    internal static KernelContext WithSubGroups(Accelerator accelerator, KernelVariant variant, OpenClSubGroups subGroups) =>
        new(accelerator, variant, 0, MatrixPrecision.Exact, emulatesCuda: false, subGroups);

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

    private void CheckTensorCores()
    {
        if (Variant is not (KernelVariant.Auto or KernelVariant.Cuda))
            throw new NotSupportedException($"The variant {Variant} has no products in {Precision}; {nameof(KernelVariant.Cuda)} has.");
        if (!HasTensorCores)
        {
            throw new NotSupportedException(
                $"{Accelerator.Name} has no tensor cores for products in {Precision}; they need CUDA and compute capability 8.0 or newer.");
        }
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

    /// <summary>Loads an explicitly grouped kernel, once; it is launched with at most that much dynamic shared memory.</summary>
    internal Action<AcceleratorStream, KernelConfig, TArguments> Load<TArguments>(Action<TArguments> kernel, int sharedBytes = 0)
        where TArguments : struct =>
        (Action<AcceleratorStream, KernelConfig, TArguments>)_kernels.GetOrAdd(kernel.Method, method =>
        {
            if (!method.IsDefined(typeof(KernelEntryAttribute)))
                throw new InvalidOperationException($"{method.DeclaringType?.Name}.{method.Name} has no {nameof(KernelEntryAttribute)}.");
            if (Loader is not null)
                return Loader.Load(kernel, sharedBytes);
            return Accelerator is CudaAccelerator cuda ? PtxCode.Load(cuda, kernel, sharedBytes)
                : _openCl?.Load(kernel) ?? Accelerator.LoadKernel(kernel);
        });

    /// <summary>
    /// Binds a kernel to its arguments with <paramref name="groups"/> groups of <paramref name="groupSize"/> threads, which have
    /// <paramref name="sharedBytes"/> of dynamic shared memory.
    /// </summary>
    internal Launch BindKernel<TArguments>(
        string operation,
        Action<TArguments> kernel,
        int groups,
        int groupSize,
        TArguments arguments,
        int sharedBytes = 0,
        KernelVariant variant = KernelVariant.Portable)
        where TArguments : struct
    {
        SharedMemoryConfig shared = sharedBytes > 0 ? SharedMemoryConfig.RequestDynamic<byte>(sharedBytes) : default;
        // The gate is the accelerator's: its streams may be those of several contexts.
        object? gate = Accelerator.AcceleratorType == AcceleratorType.OpenCL ? Accelerator : null;
        return new KernelLaunch<TArguments>(operation, variant, Load(kernel, sharedBytes), new KernelConfig(groups, groupSize, shared), arguments, gate);
    }
}
