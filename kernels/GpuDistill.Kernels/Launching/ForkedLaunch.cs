using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// Launches in a row of which some stand aside: each needs what stands before it, and nothing in the row needs what is aside. In a
/// graph those are a branch beside the others, and what follows the row follows both; elsewhere all run in their order.
/// </summary>
internal sealed class ForkedLaunch : Launch
{
    private readonly (Launch Launch, bool IsAside)[] _parts;

    /// <param name="operation">What the row does as a whole.</param>
    /// <param name="parts">The launches; the first says the variant. If one cannot be bound, those before it are disposed.</param>
    public ForkedLaunch(string operation, params IEnumerable<(Launch Launch, bool IsAside)> parts)
        : this(operation, BoundLaunches.All(parts, part => part.Launch))
    {
    }

    private ForkedLaunch(string operation, (Launch Launch, bool IsAside)[] parts)
        : base(operation, parts[0].Launch.Variant) => _parts = parts;

    public IReadOnlyList<(Launch Launch, bool IsAside)> Parts => _parts;

    private protected override void Submit(AcceleratorStream stream)
    {
        foreach ((Launch launch, _) in _parts)
            launch.Run(stream);
    }

    private protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach ((Launch launch, _) in _parts)
                launch.Dispose();
        }

        base.Dispose(disposing);
    }
}
