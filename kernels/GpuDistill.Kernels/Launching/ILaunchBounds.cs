using System.Reflection;

namespace GpuDistill.Kernels;

/// <summary>How a kernel is launched: a type argument of it, or what its mark names. Implementations are empty structs.</summary>
internal interface ILaunchBounds
{
    /// <summary>Threads of a group.</summary>
    int GroupSize { get; }

    /// <summary>Groups that a CUDA multiprocessor is to hold at least, which limits registers.</summary>
    int GroupsPerMultiprocessor { get; }

    /// <summary>Bytes of dynamic shared memory of a group.</summary>
    int SharedBytes { get; }

    /// <summary>What a kernel's mark or type arguments say, or null where neither does.</summary>
    static ILaunchBounds? Of(MethodInfo kernel) =>
        (kernel.GetCustomAttribute<KernelEntryAttribute>()?.LaunchBounds
            ?? kernel.GetGenericArguments().SingleOrDefault(typeof(ILaunchBounds).IsAssignableFrom)) is { } type
            ? (ILaunchBounds)Activator.CreateInstance(type)!
            : null;
}
