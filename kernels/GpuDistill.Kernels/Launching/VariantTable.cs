namespace GpuDistill.Kernels;

/// <summary>
/// The variants that an operation offers, fastest first. The only place where a variant is chosen.
/// </summary>
internal sealed class VariantTable<TArguments>
    where TArguments : struct
{
    private static readonly KernelVariant[] Order =
        [KernelVariant.Cuda, KernelVariant.Simd512, KernelVariant.Simd256, KernelVariant.Simd128, KernelVariant.Portable];

    private readonly string _operation;
    private readonly Func<KernelContext, TArguments, Launch> _portable;
    private readonly Func<KernelContext, TArguments, KernelVariant, Launch> _simd;
    private readonly Func<KernelContext, TArguments, Launch>? _cuda;
    private readonly Func<KernelContext, bool> _runsCuda;

    /// <param name="operation">The operation's name, for messages.</param>
    /// <param name="portable">Binds the ILGPU kernel.</param>
    /// <param name="simd">Binds the CPU launch of the given width.</param>
    /// <param name="cuda">Binds the kernel made for CUDA, where there is one.</param>
    /// <param name="runsCuda">Whether a device that runs the CUDA variants runs this one; null if all do.</param>
    public VariantTable(
        string operation,
        Func<KernelContext, TArguments, Launch> portable,
        Func<KernelContext, TArguments, KernelVariant, Launch> simd,
        Func<KernelContext, TArguments, Launch>? cuda = null,
        Func<KernelContext, bool>? runsCuda = null)
    {
        _operation = operation;
        _portable = portable;
        _simd = simd;
        _cuda = cuda;
        _runsCuda = runsCuda ?? (_ => cuda is not null);
    }

    /// <summary>The variants that the context's device can run of an operation that offers all, fastest first.</summary>
    public static IReadOnlyList<KernelVariant> Supported(KernelContext context) => [.. Order.Where(context.Supports)];

    /// <summary>
    /// Binds the first supported variant, or the forced one: <paramref name="forced"/>, else the context's.
    /// </summary>
    /// <exception cref="ArgumentException">A buffer belongs to another accelerator.</exception>
    /// <exception cref="ObjectDisposedException">A buffer was disposed; it names the argument.</exception>
    /// <exception cref="NotSupportedException">The forced variant cannot run here; the message lists those that can.</exception>
    public Launch Bind(KernelContext context, TArguments arguments, KernelVariant forced = KernelVariant.Auto)
    {
        KernelVariant wanted = forced != KernelVariant.Auto ? forced : context.Variant;
        IReadOnlyList<KernelVariant> supported =
            [.. Supported(context).Where(variant => variant != KernelVariant.Cuda || _runsCuda(context))];
        KernelVariant chosen = wanted == KernelVariant.Auto ? supported[0] : wanted;
        if (!supported.Contains(chosen))
        {
            throw new NotSupportedException(
                $"{_operation} cannot run as {chosen} on {context.Accelerator.Name}; it can as {string.Join(", ", supported)}.");
        }

        BufferOwners.Check(_operation, arguments, context.Accelerator);
        return chosen switch
        {
            KernelVariant.Portable => _portable(context, arguments),
            KernelVariant.Cuda => _cuda!(context, arguments),
            _ => _simd(context, arguments, chosen),
        };
    }
}
