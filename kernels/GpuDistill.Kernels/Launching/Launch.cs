using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// An operation bound to its buffers: validated, compiled, with its variant and launch geometry chosen. Running it
/// allocates nothing and checks nothing, so a training step is a fixed list of these (<see cref="LaunchSequence"/>).
/// </summary>
public abstract class Launch : IDisposable
{
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
    public abstract void Run(AcceleratorStream stream);

    /// <summary>Frees what the operation allocated for itself when it was bound, if anything; the buffers it was bound to stay.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Operation} ({Variant})";

    private protected virtual void Dispose(bool disposing)
    {
    }
}
