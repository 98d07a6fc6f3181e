using System.Runtime.CompilerServices;
using ILGPU.IR.Intrinsics;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: copies from global to shared memory that a thread starts and waits for later (PTX's cp.async). A thread sees the
/// bytes after its own wait, the other threads after a barrier that follows it.
/// </summary>
/// <remarks>
/// The C# bodies run on ILGPU's CPU accelerator, where a copy is carried out no sooner than the wait that covers it: a kernel that
/// reads too early, or overwrites what is still read, is wrong there too. <see cref="PtxIntrinsics"/> has the instructions.
/// </remarks>
internal static unsafe class AsyncCopy
{
    public const int QuadBytes = 16;

    // A lane is one thread of the CPU accelerator.
    [ThreadStatic]
    private static Queue<List<Pending>>? _groups;

    [ThreadStatic]
    private static List<Pending>? _open;

    /// <summary>Copies the first <paramref name="bytes"/> (16 or 0) of a quad and zeroes the rest; both are aligned to 16 bytes.</summary>
    [IntrinsicImplementation]
    public static void OneQuad(ref Quad target, ref Quad source, int bytes) =>
        Start(Unsafe.AsPointer(ref target), Unsafe.AsPointer(ref source), bytes, QuadBytes);

    /// <summary>Copies one float where <paramref name="bytes"/> is 4, or writes 0 where it is 0.</summary>
    [IntrinsicImplementation]
    public static void OneFloat(ref float target, ref float source, int bytes) =>
        Start(Unsafe.AsPointer(ref target), Unsafe.AsPointer(ref source), bytes, sizeof(float));

    /// <summary>Closes the group of copies started since the last call; it may be empty.</summary>
    [IntrinsicImplementation]
    public static void Commit()
    {
        (_groups ??= []).Enqueue(_open ?? []);
        _open = null;
    }

    /// <summary>Waits until all groups but the newest have been copied.</summary>
    [IntrinsicImplementation]
    public static void WaitForAllButTheNewest()
    {
        while (_groups is { Count: > 1 })
        {
            foreach (Pending copy in _groups.Dequeue())
            {
                new Span<byte>((void*)copy.Target, copy.Size).Clear();
                Buffer.MemoryCopy((void*)copy.Source, (void*)copy.Target, copy.Size, copy.Bytes);
            }
        }
    }

    private static void Start(void* target, void* source, int bytes, int size) =>
        (_open ??= []).Add(new Pending((nint)target, (nint)source, bytes, size));

    private readonly record struct Pending(nint Target, nint Source, int Bytes, int Size);
}
