using System.Diagnostics;
using System.Globalization;
using GpuDistill.Benchmarks.Copying;
using GpuDistill.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Benchmarks.Running;

/// <summary>
/// The yardstick for operations that stream through memory: how fast the same device copies, measured in the process that measures
/// the operation, over the same number of bytes, so that what fits in a cache is compared with a copy that does. It is no
/// upper limit: on a CPU a copy's target is first read into the cache, which the count of bytes leaves out, while an
/// operation that works in place reads its target anyway.
/// </summary>
internal static class CopyBandwidth
{
    private const int Rounds = 12;
    private const double SecondsPerRound = 0.02;

    /// <summary>The best of several rounds, in bytes read and written per second.</summary>
    public static double Measure(DistillDevice device, long bytes)
    {
        long length = Math.Max(1, bytes / (2 * sizeof(float)));
        using MemoryBuffer1D<float, Stride1D.Dense> source = device.Accelerator.Allocate1D<float>(length);
        using MemoryBuffer1D<float, Stride1D.Dense> target = device.Accelerator.Allocate1D<float>(length);
        source.MemSetToZero(device.Stream);
        target.MemSetToZero(device.Stream); // touches the pages
        using Launch copy = CopyLaunch.Bind(device.Kernels, source.View, target.View);
        int launches = 1;
        double best = double.PositiveInfinity;
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < launches; i++)
                copy.Run(device.Stream);
            device.Stream.Synchronize();
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            best = Math.Min(best, seconds / launches);
            launches = Math.Max(launches, (int)Math.Ceiling(SecondsPerRound / best));
        }

        return 2.0 * sizeof(float) * length / best;
    }

    /// <summary>Leaves a measurement for the table, which another process may make.</summary>
    public static void Record(Type type, Workload workload, double bytesPerSecond) => File.AppendAllText(
        BenchmarkSettings.YardstickFile, string.Create(CultureInfo.InvariantCulture, $"{Key(type, workload)}\t{bytesPerSecond:R}\n"));

    /// <summary>The last measurement for a case, or null.</summary>
    public static double? Find(Type type, Workload workload)
    {
        string key = Key(type, workload);
        string? last = File.ReadLines(BenchmarkSettings.YardstickFile).LastOrDefault(line => line.Split('\t')[0] == key);
        return last is null ? null : double.Parse(last.Split('\t')[1], CultureInfo.InvariantCulture);
    }

    // BenchmarkDotNet runs a class that it derives from the benchmark's.
    private static string Key(Type type, Workload workload)
    {
        while (type.Assembly != typeof(CopyBandwidth).Assembly)
            type = type.BaseType!;
        return $"{type.Name} {workload}";
    }
}
