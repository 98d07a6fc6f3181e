namespace GpuDistill.Kernels;

/// <summary>
/// Marks a method that is launched on a device. <see cref="KernelContext"/> loads no other, so that <see cref="KernelCatalog"/>
/// is a complete list and no kernel escapes the checks of generated code.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class KernelEntryAttribute : Attribute
{
    /// <summary>The largest group size that the kernel is launched with.</summary>
    public int GroupSize { get; init; } = RowTeam.MaxGroupSize;

    /// <summary>Groups of that size that a CUDA multiprocessor is to hold at least, which limits registers; 0 leaves that to the assembler.</summary>
    public int GroupsPerMultiprocessor { get; init; }

    /// <summary>The variant that the kernel belongs to.</summary>
    public KernelVariant Variant { get; init; } = KernelVariant.Portable;

    /// <summary>Whether the kernel has instructions of <see cref="TensorCore.Oldest"/>, and does not compile for what is older.</summary>
    public bool NeedsTensorCores { get; init; }

    /// <summary>Whether the kernel has instructions of <see cref="WarpGroup"/>, and compiles for no other architecture than theirs.</summary>
    public bool NeedsWarpGroups { get; init; }

    /// <summary>An <see cref="ILaunchBounds"/> that says how the kernel is launched, where none of its type arguments does.</summary>
    public Type? LaunchBounds { get; init; }

    /// <summary>
    /// Whether threads read memory beside what is theirs, which others may be writing, and drop what they find there: cheaper than asking
    /// first. A slab is read beside a row, and a row once more by threads that have none left, while its gradient takes its place. Any other
    /// race is a mistake, and what checks for races knows this one by the mark.
    /// </summary>
    public bool DropsRacingReads { get; init; }

    /// <summary>
    /// A static method of the same class that lists the type arguments of a generic kernel, one array each; without one, a kernel is
    /// generic over the element type, or over that and its storage.
    /// </summary>
    public string? Instances { get; init; }
}
