using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill;

/// <summary>Copies between host arrays and device views, finished on return.</summary>
internal static class HostCopies
{
    /// <summary>Elements that are copied at a time where a whole need not fit an array.</summary>
    public const int Piece = 1 << 24;

    public static T[] ToHost<T>(this ArrayView<T> view, DistillDevice device)
        where T : unmanaged
    {
        T[] values = new T[ArrayLength(view.Length)];
        if (values.Length > 0)
            view.CopyToCPU(device.Stream, values);
        device.Stream.Synchronize();
        return values;
    }

    /// <summary>The same, one array of at most <paramref name="length"/> elements after the other.</summary>
    public static IEnumerable<T[]> ToHostInPieces<T>(this ArrayView<T> view, DistillDevice device, int length = Piece)
        where T : unmanaged
    {
        for (long start = 0; start < view.Length; start += length)
            yield return view.SubView(start, Math.Min(length, view.Length - start)).ToHost(device);
    }

    public static void FromHost<T>(this ArrayView<T> view, DistillDevice device, T[] values)
        where T : unmanaged
    {
        if (values.Length != view.Length)
            throw new ArgumentException($"{values.Length} values for a buffer of {view.Length}.", nameof(values));
        if (values.Length > 0)
            view.CopyFromCPU(device.Stream, values);
        device.Stream.Synchronize();
    }

    /// <exception cref="NotSupportedException">An array does not hold as many.</exception>
    public static int ArrayLength(long length) => length <= Array.MaxLength
        ? (int)length
        : throw new NotSupportedException($"{length} elements are more than one array on the host holds, {Array.MaxLength}.");

    /// <summary>The first half of a SHA-256 over the arrays, one after the other, as text: the same data, the same text.</summary>
    public static string Fingerprint<T>(IEnumerable<T[]> pieces)
        where T : unmanaged
    {
        const int Slice = 1 << 20;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (T[] values in pieces)
        {
            for (int start = 0; start < values.Length; start += Slice)
                hash.AppendData(MemoryMarshal.AsBytes(values.AsSpan(start, Math.Min(Slice, values.Length - start))));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }
}
