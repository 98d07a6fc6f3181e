using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// Lets an operation in single precision work on matrices in bf16: copies of what it reads, made before it runs, and of what it
/// writes, rounded after it. A product does far more work than the copies.
/// </summary>
/// <param name="context">The device.</param>
/// <param name="variant">The variant of the copies.</param>
internal sealed class WidenedBuffers(KernelContext context, KernelVariant variant) : IDisposable
{
    private readonly BufferGroup _buffers = new(context.Accelerator);
    private readonly List<Launch> _before = [];
    private readonly List<Launch> _after = [];

    /// <summary>A copy of what the operation reads.</summary>
    public ArrayView<float> Read(ArrayView<ushort> source)
    {
        ArrayView<float> copy = Allocate(source.Length);
        _before.Add(PrecisionCast.Bind(context, source.Cast<BFloat16>(), copy, variant));
        return copy;
    }

    /// <summary>Room for what the operation writes; that itself where it is in single precision.</summary>
    public ArrayView<float> Write<T>(ArrayView<T> target)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            return target.Cast<float>();
        ArrayView<float> copy = Allocate(target.Length);
        _after.Add(PrecisionCast.Bind(context, copy, target.Cast<BFloat16>(), variant));
        return copy;
    }

    /// <summary>Binds the operation between the copies; the launch owns all of it.</summary>
    public static Launch Around(KernelContext context, KernelVariant variant, Func<WidenedBuffers, Launch> bind)
    {
        WidenedBuffers buffers = new(context, variant);
        try
        {
            Launch operation = bind(buffers);
            return new CompositeLaunch(operation.Operation, operation.Variant, [.. buffers._before, operation, .. buffers._after], buffers);
        }
        catch
        {
            foreach (Launch copy in buffers._before.Concat(buffers._after))
                copy.Dispose();
            buffers.Dispose();
            throw;
        }
    }

    public void Dispose() => _buffers.Dispose();

    private ArrayView<float> Allocate(long length) => _buffers.Allocate<float>(length).View;
}
