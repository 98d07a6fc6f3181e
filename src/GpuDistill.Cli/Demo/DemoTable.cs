using System.Globalization;
using Spectre.Console;

namespace GpuDistill.Cli;

/// <summary>The demo's result for a person.</summary>
internal static class DemoTable
{
    public static void Show(CommandOutput console, DemoMetrics metrics, int testImages)
    {
        Table table = new Table().RoundedBorder().AddColumn("");
        table.AddColumn(new TableColumn("Parameters").RightAligned());
        table.AddColumn(new TableColumn($"Errors of {Units.Count(testImages)}").RightAligned());
        table.AddColumn(new TableColumn("Time").RightAligned());
        Row("Teacher", metrics.Teacher);
        Row("Student, hard labels", metrics.StudentHard);
        Row("Student, distilled", metrics.StudentDistilled);
        console.Tell("");
        console.Show(table);
        foreach (string line in Conclusion(metrics, testImages))
            console.Conclude(line);

        void Row(string name, NetworkMetrics network) => table.AddRow(
            name,
            Units.Count(network.Parameters),
            Units.Count(network.TestErrors),
            Units.Seconds(TimeSpan.FromSeconds(network.Seconds)));
    }

    /// <summary>What the numbers say, whatever they are.</summary>
    public static IEnumerable<string> Conclusion(DemoMetrics metrics, int testImages)
    {
        int hard = metrics.StudentHard.TestErrors;
        int distilled = metrics.StudentDistilled.TestErrors;
        string comparison = hard == distilled ? "as many errors as"
            : hard == 0 ? $"{Units.Counted(distilled, "error")} and so more than"
            : $"{Units.Percent(Math.Abs(hard - distilled) / (double)hard, 0)} {(distilled < hard ? "fewer" : "more")} errors than";
        yield return $"The distilled student makes {comparison} the same student trained on hard labels alone.";
        double ratio = (double)metrics.Teacher.Parameters / metrics.StudentDistilled.Parameters;
        int more = distilled - metrics.Teacher.TestErrors;
        string price = more == 0 ? "as many errors as the teacher"
            : $"{Units.Counted(Math.Abs(more), $"{(more > 0 ? "more" : "fewer")} error")} in {Units.Count(testImages)} than the teacher";
        yield return $"It makes {price}, with 1/{ratio.ToString(ratio < 10 ? "0.#" : "F0", CultureInfo.InvariantCulture)} of its parameters.";
        yield return $"Teacher logits: {Units.Bytes(metrics.TeacherLogits.Bytes)} on the device, uploaded {Units.Counted(metrics.TeacherLogits.Uploads, "time")}. "
            + $"All in all {Units.Seconds(TimeSpan.FromSeconds(metrics.Seconds))}.";
    }
}
