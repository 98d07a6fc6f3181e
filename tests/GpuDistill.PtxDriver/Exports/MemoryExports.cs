using System.Runtime.InteropServices;

namespace GpuDistill.PtxDriver;

/// <summary>"Memory Management" of the CUDA Driver API.</summary>
internal static unsafe class MemoryExports
{
    [UnmanagedCallersOnly(EntryPoint = "cuMemGetInfo_v2")]
    public static int GetInfo(nint* free, nint* total) => Driver.Call("cuMemGetInfo", () =>
    {
        *free = (nint)Driver.Current.Memory.FreeBytes;
        *total = (nint)DriverMemory.TotalBytes;
    });

    [UnmanagedCallersOnly(EntryPoint = "cuMemAlloc_v2")]
    public static int Allocate(nint* memory, nint bytes) =>
        Driver.Call("cuMemAlloc", () => *memory = Allocated(bytes, isPageLocked: false));

    [UnmanagedCallersOnly(EntryPoint = "cuMemAllocHost_v2")]
    public static int AllocateHost(nint* memory, nint bytes) =>
        Driver.Call("cuMemAllocHost", () => *memory = Allocated(bytes, isPageLocked: true));

    [UnmanagedCallersOnly(EntryPoint = "cuMemFree_v2")]
    public static int Free(nint memory) => Driver.Call("cuMemFree", () => Free(memory, isPageLocked: false));

    [UnmanagedCallersOnly(EntryPoint = "cuMemFreeHost")]
    public static int FreeHost(nint memory) => Driver.Call("cuMemFreeHost", () => Free(memory, isPageLocked: true));

    [UnmanagedCallersOnly(EntryPoint = "cuMemcpyAsync")]
    public static int Copy(nint target, nint source, nint bytes, nint stream) =>
        Driver.Call("cuMemcpyAsync", () => Submission.Copy(Driver.Stream(stream), target, source, bytes));

    [UnmanagedCallersOnly(EntryPoint = "cuMemsetD8Async")]
    public static int Fill(nint target, byte value, nint bytes, nint stream) =>
        Driver.Call("cuMemsetD8Async", () => Submission.Fill(Driver.Stream(stream), target, value, bytes));

    private static nint Allocated(nint bytes, bool isPageLocked)
    {
        DriverContext context = Driver.Current;
        context.RefuseWhileCapturing("an allocation");
        return context.Memory.Allocate(bytes, isPageLocked);
    }

    // As the real one does, it waits for the device first.
    private static void Free(nint memory, bool isPageLocked)
    {
        DriverContext context = Driver.Current;
        context.RefuseWhileCapturing("freeing memory");
        context.Finish();
        context.Memory.Free(memory, isPageLocked);
    }
}
