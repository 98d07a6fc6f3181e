using ILGPU.IR.Intrinsics;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: Hopper's products of a warpgroup, 128 threads whose number begins at a multiple of that (PTX's wgmma, sm_90a alone):
/// sums [64 x 256] + a [64 x 16] b [16 x 256] in bf16, read from shared memory while the threads go on. The sums, 128 a thread, are
/// registers of the instruction's own, which no code but this names: what would only move them would make the assembler wait.
/// </summary>
/// <remarks>
/// The C# bodies run on ILGPU's CPU accelerator (<see cref="WarpGroupEmulation"/>); <see cref="PtxIntrinsics"/> has the instructions.
/// All threads of a warpgroup must call all of it.
/// </remarks>
internal static class WarpGroup
{
    public const int Threads = 128;

    /// <summary>The only architecture that has them.</summary>
    public static CudaArchitecture Architecture => CudaArchitecture.SM_90;

    /// <summary>Rows of the sums.</summary>
    public const int Rows = 64;

    /// <summary>Columns of the sums.</summary>
    public const int Columns = 256;

    /// <summary>Terms that an instruction multiplies for each sum.</summary>
    public const int Terms = 16;

    /// <summary>Sums of a thread.</summary>
    public const int ThreadSums = Rows * Columns / Threads;

    /// <summary>
    /// Sets the sums to 0, and returns the address of the group's shared memory as descriptors have it. To be called once, before all
    /// that follows.
    /// </summary>
    /// <param name="memory">The first quad of the memory.</param>
    /// <param name="bytes">Its length, within which operands lie; nobody but the emulation asks.</param>
    [IntrinsicImplementation]
    public static uint Begin(ref Quad memory, int bytes) => WarpGroupEmulation.Own.Begin(ref memory, bytes);

    /// <summary>
    /// Lets products read what this thread has stored or copied to shared memory; those of other threads after a barrier that follows it.
    /// </summary>
    [IntrinsicImplementation]
    public static void ShowCopies()
    {
    }

    /// <summary>Opens a group of products: the sums are as the threads left them.</summary>
    [IntrinsicImplementation]
    public static void Open() => WarpGroupEmulation.Own.Open();

    /// <summary>Starts a product, which is added to the sums by the time that its group is waited for.</summary>
    /// <param name="left">Where a is: see <see cref="PanelDescriptor"/>; the same for all threads of the warpgroup.</param>
    /// <param name="right">Where b is.</param>
    /// <param name="acrossLeft">1 where neighbours in a are rows of a term, 0 where they are terms of a row; known to the compiler.</param>
    /// <param name="acrossRight">The same of b, its columns being rows.</param>
    [IntrinsicImplementation]
    public static void MultiplyAdd(ulong left, ulong right, int acrossLeft, int acrossRight) =>
        WarpGroupEmulation.Own.MultiplyAdd(new(left, acrossLeft != 0), new(right, acrossRight != 0));

    /// <summary>Closes the group of products.</summary>
    [IntrinsicImplementation]
    public static void Commit() => WarpGroupEmulation.Own.Commit();

    /// <summary>Waits until all groups but the newest are in the sums, and their operands are read.</summary>
    [IntrinsicImplementation]
    public static void WaitForAllButTheNewest() => WarpGroupEmulation.Own.Wait(1);

    /// <summary>Waits for all groups.</summary>
    [IntrinsicImplementation]
    public static void WaitForAll() => WarpGroupEmulation.Own.Wait(0);

    /// <summary>
    /// Stores this thread's sums of row g = lane / 4 of its warp's 16 and of row g + 8, two neighbouring columns at a time: columns 2 t
    /// and 2 t + 1, t being lane % 4, of each 8.
    /// </summary>
    /// <param name="first">The address of those of the first 8 columns, in row g.</param>
    /// <param name="second">Of the second 8.</param>
    /// <param name="third">Of the third 8.</param>
    /// <param name="fourth">Of the fourth 8. From each, every fourth 8 columns are 128 bytes on, and row g + 8 is 8 * 1024 bytes on.</param>
    [IntrinsicImplementation]
    public static void StoreSums(uint first, uint second, uint third, uint fourth) =>
        WarpGroupEmulation.Own.StoreSums([first, second, third, fourth]);
}
