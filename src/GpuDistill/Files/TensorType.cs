using System.Runtime.InteropServices;
using GpuDistill.Kernels;

namespace GpuDistill;

/// <summary>A type of numbers in a safetensors file, by its name there; all are read as single precision.</summary>
internal sealed record TensorType(string Name, int Size, TensorType.Conversion Widen)
{
    private static readonly TensorType[] All =
    [
        new("F16", 2, (bytes, values) => Convert<Half>(bytes, values, value => (float)value)),
        new("BF16", 2, (bytes, values) => Convert<BFloat16>(bytes, values, value => (float)value)),
        new("F32", 4, (bytes, values) => bytes.CopyTo(MemoryMarshal.AsBytes(values))),
        new("F64", 8, (bytes, values) => Convert<double>(bytes, values, value => (float)value)),
    ];

    public delegate void Conversion(ReadOnlySpan<byte> bytes, Span<float> values);

    /// <summary>All that can be read, in words.</summary>
    public static string Names => string.Join(", ", All.Select(type => type.Name));

    /// <summary>The type of that name; null where it cannot be read.</summary>
    public static TensorType? Find(string? name) => Array.Find(All, type => type.Name == name);

    private static void Convert<T>(ReadOnlySpan<byte> bytes, Span<float> values, Func<T, float> widen)
        where T : unmanaged
    {
        ReadOnlySpan<T> elements = MemoryMarshal.Cast<byte, T>(bytes);
        for (int i = 0; i < values.Length; i++)
            values[i] = widen(elements[i]);
    }
}
