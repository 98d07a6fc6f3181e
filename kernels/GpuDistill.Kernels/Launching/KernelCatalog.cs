using System.Reflection;

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
        return StorageType.All.Select(storage => new KernelEntry(
            $"{name}<{storage.Element.Name}>", method.MakeGenericMethod(Arguments(method, storage)), mark));
    }

    // A kernel is generic over the element type, or over that and its storage.
    private static Type[] Arguments(MethodInfo method, (Type Element, Type Storage) storage) =>
        method.GetGenericArguments().Length == 1 ? [storage.Element] : [storage.Element, storage.Storage];
}

/// <summary>One kernel as it is compiled.</summary>
/// <param name="Name">Operation, method and storage type.</param>
/// <param name="Method">The method, not generic any more.</param>
/// <param name="Mark">What it says of itself.</param>
internal sealed record KernelEntry(string Name, MethodInfo Method, KernelEntryAttribute Mark);
