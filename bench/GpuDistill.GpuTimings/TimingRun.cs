using System.Diagnostics.CodeAnalysis;

namespace GpuDistill.GpuTimings;

/// <summary>Something to time.</summary>
/// <param name="Blank">Its entry without figures.</param>
/// <param name="Measure">Checks and times it, and fills the entry in; throws what kept it from being timed.</param>
internal sealed record Work(Timing Blank, Func<Timing, Timing> Measure);

/// <summary>Times one work after the other. What fails, its check or itself, is an entry that says so, and the next one is taken.</summary>
internal static class TimingRun
{
    /// <summary>The kinds of work, by the order in which figures are wanted.</summary>
    public static IReadOnlyDictionary<string, Func<TimingDevice, IEnumerable<Work>>> Kinds { get; } =
        new OrderedDictionary<string, Func<TimingDevice, IEnumerable<Work>>>
        {
            ["loss"] = LossTiming.All,
            ["step"] = StepTiming.All,
            ["product"] = ProductTiming.All,
            ["dense"] = DenseTiming.All,
        };

    /// <param name="works">What to time.</param>
    /// <param name="device">The device's name.</param>
    /// <param name="file">Where entries go.</param>
    /// <param name="output">Where they are told.</param>
    /// <param name="isLost">Asked after a failure: whether nothing can run in this process any more, and the rest must be another's.</param>
    /// <returns>How many failed, and how many works were taken.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps one work from being timed must not cost the others.")]
    public static (int Failures, int Taken) Of(
        IEnumerable<Work> works, string device, TimingFile file, TextWriter output, Func<bool>? isLost = null)
    {
        int failures = 0;
        int taken = 0;
        foreach (Work work in works)
        {
            taken++;
            bool failed = false;
            Timing timing = work.Blank with { Device = device };
            try
            {
                timing = work.Measure(timing);
            }
            catch (Exception exception)
            {
                timing = timing with { Failure = $"{exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")}" };
                failures++;
                failed = true;
            }

            output.WriteLine(timing);
            output.Flush();
            file.Add(timing);
            if (failed && isLost?.Invoke() == true)
                break;
        }

        return (failures, taken);
    }
}
