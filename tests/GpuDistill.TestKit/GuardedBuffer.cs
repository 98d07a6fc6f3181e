using System.Runtime.CompilerServices;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace GpuDistill.TestKit;

/// <summary>
/// A device buffer between two guards of known bytes. <see cref="Read"/> fails if anything was written outside. The inner
/// view starts at a multiple of 256 bytes, as kernels may assume.
/// </summary>
/// <remarks>
/// It waits for the default stream, and what ran on another one must have been waited for before <see cref="Read"/>: waiting for a whole
/// device would spoil the graph that another test's thread is recording at that time.
/// </remarks>
public sealed class GuardedBuffer<T> : IDisposable
    where T : unmanaged
{
    private const byte Pattern = 0xA5;

    // ILGPU counts a view's offset in elements, so a guard is a whole number of them as well as of 256 bytes.
    private static readonly int GuardBytes = int.IsPow2(Unsafe.SizeOf<T>()) ? 256 : 256 * Unsafe.SizeOf<T>();

    private readonly MemoryBuffer1D<byte, Stride1D.Dense> _buffer;
    private readonly Accelerator _accelerator;
    private readonly long _bytes;

    public GuardedBuffer(KernelContext context, ReadOnlySpan<T> values)
        : this(context, values.Length) => Write(values);

    public GuardedBuffer(KernelContext context, long length)
    {
        _accelerator = context.Accelerator;
        Length = length;
        _bytes = length * Unsafe.SizeOf<T>();
        long padded = (_bytes + GuardBytes - 1) / GuardBytes * GuardBytes;
        _buffer = _accelerator.Allocate1D<byte>(padded + (2 * GuardBytes));
        byte[] fill = new byte[_buffer.Length];
        Array.Fill(fill, Pattern);
        _buffer.View.CopyFromCPU(fill);
        _accelerator.DefaultStream.Synchronize();
    }

    public long Length { get; }

    public ArrayView<T> View => Inner.Cast<T>().SubView(0, Length);

    private ArrayView<byte> Inner => ((ArrayView<byte>)_buffer.View).SubView(GuardBytes, _buffer.Length - (2 * GuardBytes));

    public Matrix<T> Matrix(int rows, int columns) => new(View, rows, columns);

    public void Write(ReadOnlySpan<T> values)
    {
        Assert.Equal(Length, values.Length);
        if (Length > 0)
            View.CopyFromCPU(_accelerator.DefaultStream, values.ToArray());
        _accelerator.DefaultStream.Synchronize();
    }

    /// <summary>The contents, after a check that both guards are whole.</summary>
    public T[] Read(string name = "buffer")
    {
        _accelerator.DefaultStream.Synchronize();
        byte[] all = _buffer.GetAsArray1D();
        long end = GuardBytes + _bytes;
        for (long i = 0; i < all.Length; i++)
        {
            if ((i < GuardBytes || i >= end) && all[i] != Pattern)
                Assert.Fail($"{name}: a byte was written {(i < GuardBytes ? $"{GuardBytes - i} before the start" : $"{i - end} after the end")}.");
        }

        T[] values = new T[Length];
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, T>(all.AsSpan(GuardBytes, (int)_bytes)).CopyTo(values);
        return values;
    }

    public void Dispose() => _buffer.Dispose();
}
