using ILGPU;
using ILGPU.IR.Intrinsics;

namespace GpuDistill.Kernels;

/// <summary>
/// Device code: neighbouring threads that see each other's values without shared memory: the warps of CUDA and of the CPU accelerator,
/// and OpenCL's sub-groups where <see cref="OpenClCode"/> uses them.
/// </summary>
internal static class SubGroup
{
    /// <summary>Threads of a sub-group: a power of two, the same throughout a launch. 1 where there are none.</summary>
    public static int Size
    {
        [IntrinsicImplementation]
        get => Warp.WarpSize;
    }

    /// <summary>
    /// The value of the thread whose number differs by <paramref name="mask"/>, which is less than <see cref="Size"/>. All threads of the
    /// sub-group must call it.
    /// </summary>
    [IntrinsicImplementation]
    public static float Exchange(float value, int mask) => Warp.ShuffleXor(value, mask);

    /// <summary>The same for a whole number.</summary>
    [IntrinsicImplementation]
    public static int Exchange(int value, int mask) => Warp.ShuffleXor(value, mask);

    /// <summary>Puts what the threads of a sub-group read and write before it in order before what they do after it. All must call it.</summary>
    [IntrinsicImplementation]
    public static void Barrier() => Warp.Barrier();

    /// <summary>
    /// Leaves 0 for each thread of a group where sub-groups are as they have to be: of neighbours by number, which OpenCL does not demand.
    /// </summary>
    [KernelEntry]
    internal static void ProbeKernel(ArrayView<int> wrong)
    {
        int differences = 0;
        for (int mask = IntrinsicMath.Min(Size, Group.DimX) / 2; mask > 0; mask /= 2)
            differences |= Exchange(Group.IdxX, mask) ^ Group.IdxX ^ mask;
        wrong[Group.IdxX] = differences;
    }
}
