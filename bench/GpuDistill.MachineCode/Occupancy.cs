using ILGPU.Runtime.Cuda;

namespace GpuDistill.MachineCode;

/// <summary>
/// How many groups of a kernel a multiprocessor holds at once, from the limits in NVIDIA's CUDA C++ Programming Guide, "Technical
/// Specifications per Compute Capability". A prediction: nothing here was run.
/// </summary>
internal static class Occupancy
{
    private const int WarpSize = 32;
    private const int RegistersPerMultiprocessor = 65_536;

    // Registers are given out per warp in units of 256.
    private const int RegisterUnit = 256;

    /// <summary>Resident warps as a share of the most that there can be.</summary>
    public static double Of(CudaArchitecture architecture, int registers, int sharedBytes, int groupSize)
    {
        (int warps, int groups, int shared, int reserved) = Limits(architecture);
        int warpsPerGroup = (groupSize + WarpSize - 1) / WarpSize;
        int registersPerWarp = ((registers * WarpSize) + RegisterUnit - 1) / RegisterUnit * RegisterUnit;
        int byWarps = warps / warpsPerGroup;
        int byRegisters = RegistersPerMultiprocessor / registersPerWarp / warpsPerGroup;
        int byShared = sharedBytes == 0 ? groups : shared / (sharedBytes + reserved);
        int resident = Math.Min(Math.Min(groups, byWarps), Math.Min(byRegisters, byShared));
        return (double)resident * warpsPerGroup / warps;
    }

    // Warps and groups per multiprocessor, bytes of shared memory, and those that the system keeps of each group's.
    private static (int Warps, int Groups, int Shared, int Reserved) Limits(CudaArchitecture architecture) =>
        architecture >= CudaArchitecture.SM_90 ? (64, 32, 228 * 1024, 1024)
        : architecture >= CudaArchitecture.SM_80 ? (64, 32, 164 * 1024, 1024)
        : (32, 16, 64 * 1024, 0);
}
