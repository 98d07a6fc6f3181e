namespace GpuDistill.PtxDriver;

/// <summary>The one device: as large as an H200 where kernels are planned by it.</summary>
internal static class Device
{
    public const string Name = "PTX machine (no GPU)";

    /// <summary>CUDA 12.4.</summary>
    public const int DriverVersion = 12040;

    public const decimal PtxVersion = 8.4m;

    /// <summary>Compute capability 9.0.</summary>
    public const int Architecture = 90;

    public const int MostThreads = 1024;

    /// <summary>Shared memory that a group can have, where its kernel asks for it.</summary>
    public const int MostSharedBytes = 227 * 1024;

    // By the numbers of CUdevice_attribute.
    private static readonly Dictionary<int, int> Attributes = new()
    {
        [1] = MostThreads,
        [2] = 1024, // threads of a group, x, y, z
        [3] = 1024,
        [4] = 64,
        [5] = int.MaxValue, // groups, x, y, z
        [6] = 65535,
        [7] = 65535,
        [8] = 48 * 1024, // shared memory of a group that does not ask
        [9] = 64 * 1024, // constant memory
        [10] = 32, // threads of a warp
        [11] = int.MaxValue, // pitch
        [12] = 65536, // registers of a group
        [13] = 1_980_000, // clock, kHz
        [16] = 132, // multiprocessors
        [19] = 1, // maps host memory
        [32] = 1, // corrects errors
        [33] = 1, // PCI bus
        [34] = 0, // PCI device
        [35] = 0, // TCC
        [36] = 3_201_000, // memory's clock, kHz
        [37] = 6144, // and its width, bits
        [38] = 60 << 20, // L2
        [39] = 2048, // threads of a multiprocessor
        [40] = 3, // copies at a time
        [41] = 1, // one address space
        [50] = 0, // PCI domain
        [75] = Architecture / 10,
        [76] = Architecture % 10,
        [81] = 228 * 1024, // shared memory of a multiprocessor
        [82] = 65536, // registers of a multiprocessor
        [83] = 1, // managed memory
        [90] = 1, // pre-emption
        [91] = 0, // registered memory at the host's address
        [97] = MostSharedBytes,
    };

    public static int Attribute(int number) => Attributes.TryGetValue(number, out int value)
        ? value
        : throw new DriverException(Result.InvalidValue, $"attribute {number} is not known");

    public static void Check(int device)
    {
        if (device != 0)
            throw new DriverException(Result.InvalidDevice, $"there is one device, 0, and none {device}");
    }
}
