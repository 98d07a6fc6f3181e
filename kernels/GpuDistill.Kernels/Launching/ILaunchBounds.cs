using System.Reflection;

namespace GpuDistill.Kernels;

/// <summary>A type argument of a kernel that says how the kernel is launched; implementations are empty structs.</summary>
internal interface ILaunchBounds
{
    /// <summary>Threads of a group.</summary>
    int GroupSize { get; }

    /// <summary>Groups that a CUDA multiprocessor is to hold at least, which limits registers.</summary>
    int GroupsPerMultiprocessor { get; }

    /// <summary>Bytes of dynamic shared memory of a group.</summary>
    int SharedBytes { get; }

    /// <summary>What a kernel's type arguments say, or null where none is such.</summary>
    static ILaunchBounds? Of(MethodInfo kernel) => kernel.GetGenericArguments().SingleOrDefault(typeof(ILaunchBounds).IsAssignableFrom) is { } type
        ? (ILaunchBounds)Activator.CreateInstance(type)!
        : null;
}
