using System.Diagnostics;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.GpuTimings;

/// <summary>
/// Times work that is submitted to a stream, in rounds. A round is so many submissions that the way from the host to an idle device is a
/// small part of it: short work is submitted faster than it runs, or else the host is what limits it, which its own time shows.
/// </summary>
internal abstract class RoundClock(AcceleratorStream stream, double roundSeconds, int rounds)
{
    /// <summary>As many as a median needs.</summary>
    public const int Rounds = 31;

    private const int WarmUps = 5;

    // So long a device takes to raise its clock from idle.
    private const double WarmUpSeconds = 0.1;
    private const int MostRuns = 4096;

    // Few enough not to wait for room in the stream's queue, which the device makes.
    private const int HostRuns = 64;

    protected AcceleratorStream Stream => stream;

    /// <summary>Medians over many rounds. <paramref name="run"/> submits the work once, each time on other buffers if there are several.</summary>
    public Measured Measure(Action run)
    {
        for (int i = 0; i < WarmUps; i++)
            run();
        stream.Synchronize();
        int runs = 1;
        while (runs < MostRuns && Enumerable.Range(0, 3).Min(_ => Round(run, runs)) < roundSeconds) // the least: a host may be held up
            runs *= 2;
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds;)
            Round(run, runs);
        double[] device = new double[rounds];
        double[] host = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            device[i] = Round(run, runs) / runs;
            host[i] = HostRound(run, Math.Min(runs, HostRuns));
        }

        return new Measured(Median(device), Median(host), runs);
    }

    /// <summary>Bytes read and written per second by the driver's copy of a buffer that no cache holds.</summary>
    public static double CopyBandwidth(Accelerator accelerator, long bytes, int rounds = Rounds)
    {
        using MemoryBuffer1D<byte, Stride1D.Dense> source = accelerator.Allocate1D<byte>(bytes);
        using MemoryBuffer1D<byte, Stride1D.Dense> target = accelerator.Allocate1D<byte>(bytes);
        AcceleratorStream stream = accelerator.DefaultStream;
        byte[] any = new byte[1 << 20]; // zeros might be copied faster than numbers
        new Random(1).NextBytes(any);
        for (long start = 0; start < bytes; start += any.Length)
            source.View.BaseView.SubView(start, any.Length).CopyFromCPU(any);
        return 2.0 * bytes / new EventClock(stream, rounds).Measure(() => source.View.CopyTo(stream, target.View)).Seconds;
    }

    /// <summary>Seconds of so many submissions, the device's work included.</summary>
    protected abstract double Round(Action run, int runs);

    // What one submission takes of the host while the device lags behind.
    private double HostRound(Action run, int runs)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < runs; i++)
            run();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds / runs;
        stream.Synchronize();
        return seconds;
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }
}

/// <summary>Time between two events of the device's own stream.</summary>
internal sealed class EventClock(AcceleratorStream stream, int rounds = RoundClock.Rounds) : RoundClock(stream, 2e-3, rounds)
{
    protected override double Round(Action run, int runs)
    {
        using ProfilingMarker start = Stream.AddProfilingMarker();
        for (int i = 0; i < runs; i++)
            run();
        using ProfilingMarker end = Stream.AddProfilingMarker();
        Stream.Synchronize();
        return end.MeasureFrom(start).TotalSeconds;
    }
}

/// <summary>
/// Time on the host from the first submission until the device is done with the last: what a training step takes of a training. Rounds are
/// long, so that the one wait at the end of each is nothing.
/// </summary>
internal sealed class WallClock(AcceleratorStream stream, int rounds = RoundClock.Rounds) : RoundClock(stream, 20e-3, rounds)
{
    protected override double Round(Action run, int runs)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < runs; i++)
            run();
        Stream.Synchronize();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}

/// <summary>What a clock found.</summary>
/// <param name="Seconds">Time of one run, the device's work included.</param>
/// <param name="HostSeconds">Time that submitting one run takes of the host.</param>
/// <param name="RunsPerRound">Runs in a round.</param>
internal readonly record struct Measured(double Seconds, double HostSeconds, int RunsPerRound);
