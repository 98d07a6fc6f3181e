using System.Runtime.InteropServices;

namespace GpuDistill.Peers;

/// <summary>What memory can do: a copy that is far larger than any cache, on as many threads, read and write counted.</summary>
internal static unsafe class CopyBandwidth
{
    private const long Bytes = 512L << 20;

    public static double BytesPerSecond(Clock clock, int threads)
    {
        byte* source = (byte*)NativeMemory.AlignedAlloc((nuint)Bytes, 4096);
        byte* target = (byte*)NativeMemory.AlignedAlloc((nuint)Bytes, 4096);
        try
        {
            NativeMemory.Fill(source, (nuint)Bytes, 1);
            NativeMemory.Fill(target, (nuint)Bytes, 2);
            double milliseconds = clock.Time(() => Parallel.For(
                0,
                threads,
                new ParallelOptions { MaxDegreeOfParallelism = threads },
                part =>
                {
                    long start = Bytes * part / threads;
                    long length = (Bytes * (part + 1) / threads) - start;
                    Buffer.MemoryCopy(source + start, target + start, length, length);
                }));
            return 2 * Bytes / (milliseconds / 1000);
        }
        finally
        {
            NativeMemory.AlignedFree(source);
            NativeMemory.AlignedFree(target);
        }
    }
}
