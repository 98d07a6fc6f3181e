namespace GpuDistill.Kernels;

/// <summary>A type argument of a kernel that says how a CUDA multiprocessor should hold it; implementations are empty structs.</summary>
internal interface ILaunchBounds
{
    /// <summary>Groups that a multiprocessor is to hold at least, which limits registers.</summary>
    int GroupsPerMultiprocessor { get; }
}
