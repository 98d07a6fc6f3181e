using System.Reflection;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>All device code of this assembly: every method with a <see cref="KernelEntryAttribute"/>, for every storage type.</summary>
internal static class KernelCatalog
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>The entry points, in the order of their names.</summary>
    public static IReadOnlyList<KernelEntry> All { get; } =
    [
        .. typeof(KernelCatalog).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(Any))
            .SelectMany(Entries)
            .OrderBy(entry => entry.Name, StringComparer.Ordinal),
    ];

    private static IEnumerable<KernelEntry> Entries(MethodInfo method)
    {
        if (method.GetCustomAttribute<KernelEntryAttribute>() is not { } mark)
            return [];
        string name = $"{method.DeclaringType!.Name}.{method.Name}";
        if (!method.IsGenericMethodDefinition)
            return [new KernelEntry(name, method, mark)];
        return Instances(method, mark).Select(arguments => new KernelEntry(
            $"{name}<{string.Join(", ", NamesOf(arguments))}>", method.MakeGenericMethod(arguments), mark));
    }

    private static IEnumerable<Type[]> Instances(MethodInfo method, KernelEntryAttribute mark)
    {
        if (mark.Instances is { } list)
            return (IEnumerable<Type[]>)method.DeclaringType!.GetMethod(list, Any)!.Invoke(null, null)!;
        return method.GetGenericArguments().Length == 1
            ? StorageType.All.Select(storage => storage.Element).Distinct().Select(element => (Type[])[element])
            : StorageType.All.Select(storage => (Type[])[storage.Element, storage.Storage]);
    }

    // Element types follow from storage and layouts, where there is a storage.
    private static IEnumerable<string> NamesOf(Type[] types) =>
        types.Any(type => StorageType.All.Any(known => known.Storage == type)) ? types.Where(type => !type.IsPrimitive).Select(NameOf) : types.Select(NameOf);

    private static string NameOf(Type type)
    {
        string name = type.Name.Replace("Storage", "", StringComparison.Ordinal);
        name = name.EndsWith("Element", StringComparison.Ordinal) ? name[..^"Element".Length] : name;
        return type.IsGenericType
            ? $"{name[..name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Where(t => !t.IsPrimitive).Select(NameOf))}>"
            : name;
    }
}

/// <summary>One kernel as it is compiled.</summary>
/// <param name="Name">Operation, method and storage type.</param>
/// <param name="Method">The method, not generic any more.</param>
/// <param name="Mark">What it says of itself.</param>
internal sealed record KernelEntry(string Name, MethodInfo Method, KernelEntryAttribute Mark)
{
    /// <summary>The largest group size that the kernel is launched with.</summary>
    public int GroupSize => ILaunchBounds.Of(Method)?.GroupSize ?? Mark.GroupSize;

    /// <summary>The bytes of dynamic shared memory that it is launched with.</summary>
    public int DynamicSharedBytes => ILaunchBounds.Of(Method)?.SharedBytes ?? 0;

    /// <summary>Whether the kernel is offered on an architecture.</summary>
    public bool RunsOn(CudaArchitecture architecture) => Mark.NeedsWarpGroups ? architecture == WarpGroup.Architecture
        : !Mark.NeedsTensorCores || architecture >= TensorCore.Oldest;
}
