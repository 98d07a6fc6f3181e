using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// An operation bound to its buffers: validated, compiled, with its variant and launch geometry chosen. Running it
/// checks nothing but that it was not disposed, so a training step is a fixed list of these (<see cref="LaunchSequence"/>).
/// </summary>
/// <remarks>
/// A launch keeps the buffers it was bound to from being collected; disposing one of them while the launch is still run is
/// the caller's error and is not noticed. Runs of one launch must not overlap, since it has memory of its own: on several
/// streams, let one wait for the other. The SIMD variants allocate nothing when run; for the portable kernel ILGPU's runtime
/// allocates a few hundred bytes per launch.
/// </remarks>
public abstract class Launch : IDisposable
{
    private bool _disposed;

    private protected Launch(string operation, KernelVariant variant)
    {
        Operation = operation;
        Variant = variant;
    }

    /// <summary>The operation's name, the same in kernels, tests and benchmarks.</summary>
    public string Operation { get; }

    /// <summary>The variant that was chosen; never <see cref="KernelVariant.Auto"/>.</summary>
    public KernelVariant Variant { get; }

    /// <summary>
    /// Submits the work to <paramref name="stream"/>. On CUDA and OpenCL this returns at once; on the CPU accelerator,
    /// whose launches are synchronous, the work is done on return.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The launch was disposed.</exception>
    public void Run(AcceleratorStream stream)
    {
        ThrowIfDisposed();
        Submit(stream);
    }

    /// <summary>Frees what the operation allocated for itself when it was bound, if anything; the buffers it was bound to stay.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    internal void ThrowIfDisposed()
    {
        if (_disposed)
            throw new ObjectDisposedException(Operation, $"This launch of {Operation} was disposed.");
    }

    private protected abstract void Submit(AcceleratorStream stream);

    /// <inheritdoc/>
    public override string ToString() => $"{Operation} ({Variant})";

    private protected virtual void Dispose(bool disposing)
    {
    }
}
