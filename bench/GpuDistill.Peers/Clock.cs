using System.Diagnostics;

namespace GpuDistill.Peers;

/// <summary>
/// Times two actions in turn, several rounds of each, and takes medians. Between the turns it waits until the other side's
/// worker threads have stopped spinning, which would otherwise take a core away.
/// </summary>
internal sealed class Clock(int rounds, double secondsPerTurn)
{
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(250);

    /// <summary>The median milliseconds of each.</summary>
    public (double First, double Second) Compare(Action first, Action second)
    {
        List<double> firsts = [];
        List<double> seconds = [];
        for (int round = 0; round < rounds; round++)
        {
            firsts.AddRange(Turn(first));
            seconds.AddRange(Turn(second));
        }

        return (Median(firsts), Median(seconds));
    }

    public double Time(Action action)
    {
        List<double> times = [];
        for (int round = 0; round < rounds; round++)
            times.AddRange(Turn(action));
        return Median(times);
    }

    private List<double> Turn(Action action)
    {
        Thread.Sleep(Settle);
        action();
        action();
        List<double> times = [];
        long start = Stopwatch.GetTimestamp();
        do
        {
            long before = Stopwatch.GetTimestamp();
            action();
            times.Add(Stopwatch.GetElapsedTime(before).TotalMilliseconds);
        }
        while (times.Count < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < secondsPerTurn);
        return times;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }
}
