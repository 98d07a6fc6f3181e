namespace GpuDistill.Kernels;

/// <summary>The types that matrices may have in memory: all of them those of logits, all but fp16 those of layers.</summary>
internal static class StorageType
{
    /// <summary>Element types with their implementation of <see cref="IStorage{T}"/>.</summary>
    public static IReadOnlyList<(Type Element, Type Storage)> All { get; } =
    [
        (typeof(float), typeof(FloatStorage)), (typeof(ushort), typeof(HalfStorage)), (typeof(ushort), typeof(BFloat16Storage)),
    ];

    /// <summary>The types by the names that a caller may give them, for messages.</summary>
    public const string Names = "float, System.Half, ILGPU.Half and GpuDistill.Kernels.BFloat16";

    /// <summary>Whether it is .NET's type of half precision or ILGPU's, whose bits are the same.</summary>
    public static bool IsHalf<T>()
        where T : unmanaged =>
        typeof(T) == typeof(System.Half) || typeof(T) == typeof(ILGPU.Half);

    /// <summary>Whether it is bf16, and not single precision: the types of layers. Refuses all others.</summary>
    public static bool IsBFloat16<T>(string operation)
        where T : unmanaged
    {
        if (typeof(T) == typeof(BFloat16))
            return true;
        if (typeof(T) == typeof(float))
            return false;
        throw NotSupported<T>(operation, "float and BFloat16");
    }

    /// <summary>The same matrix for device code, which handles types of 16 bits as integers.</summary>
    public static Matrix<ushort> Bits<T>(Matrix<T> matrix)
        where T : unmanaged =>
        matrix.Data.Length == 0 ? default : new Matrix<ushort>(matrix.Data.Cast<ushort>(), matrix.Rows, matrix.Columns);

    /// <summary>A matrix of what is known to be <see cref="float"/>.</summary>
    public static Matrix<float> Floats<T>(Matrix<T> matrix)
        where T : unmanaged =>
        (Matrix<float>)(object)matrix;

    /// <summary>The exception for a type that an operation has no storage for.</summary>
    public static NotSupportedException NotSupported<T>(string operation, string supported = "float") =>
        new($"{operation} works on matrices of {supported}, not of {typeof(T).FullName}.");
}
