namespace GpuDistill.Kernels;

/// <summary>The types that matrices of logits may have in memory.</summary>
internal static class StorageType
{
    /// <summary>Element types with their implementation of <see cref="IStorage{T}"/>.</summary>
    public static IReadOnlyList<(Type Element, Type Storage)> All { get; } = [(typeof(float), typeof(FloatStorage))];

    /// <summary>The exception for a type that an operation has no storage for.</summary>
    public static NotSupportedException NotSupported<T>(string operation) =>
        new($"{operation} works on matrices of float, not of {typeof(T).Name}.");
}
