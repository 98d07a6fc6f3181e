using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.GpuTimings;

/// <summary>Time between two events of the device's own stream.</summary>
internal static class DeviceClock
{
    private const int WarmUps = 5;
    private const int Rounds = 31;

    /// <summary>The median of many rounds, in seconds.</summary>
    public static double Median(AcceleratorStream stream, Action run)
    {
        for (int i = 0; i < WarmUps; i++)
            run();
        stream.Synchronize();
        double[] seconds = new double[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            using ProfilingMarker start = stream.AddProfilingMarker();
            run();
            using ProfilingMarker end = stream.AddProfilingMarker();
            stream.Synchronize();
            seconds[i] = end.MeasureFrom(start).TotalSeconds;
        }

        Array.Sort(seconds);
        return seconds[Rounds / 2];
    }

    /// <summary>Bytes read and written per second by the driver's copy of a buffer that no cache holds.</summary>
    public static double CopyBandwidth(Accelerator accelerator, long bytes)
    {
        using MemoryBuffer1D<byte, Stride1D.Dense> source = accelerator.Allocate1D<byte>(bytes);
        using MemoryBuffer1D<byte, Stride1D.Dense> target = accelerator.Allocate1D<byte>(bytes);
        source.MemSetToZero(accelerator.DefaultStream);
        AcceleratorStream stream = accelerator.DefaultStream;
        return 2.0 * bytes / Median(stream, () => source.View.CopyTo(stream, target.View));
    }
}
