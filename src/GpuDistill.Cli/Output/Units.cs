using System.Globalization;

namespace GpuDistill.Cli;

/// <summary>Numbers as people read them, the same in every culture.</summary>
internal static class Units
{
    public static string Count(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A number of things: 1 epoch, 12 epochs.</summary>
    public static string Counted(long count, string thing) => $"{Count(count)} {thing}{(count == 1 ? "" : "s")}";

    public static string Percent(double share, int decimals = 2) =>
        (100 * share).ToString($"F{decimals}", CultureInfo.InvariantCulture) + " %";

    /// <summary>Four decimals, or powers of ten where these would be a wall of digits or nothing but zeros.</summary>
    public static string Loss(double value) =>
        value.ToString(Math.Abs(value) is >= 1e6 or (> 0 and < 1e-3) ? "0.####e+0" : "F4", CultureInfo.InvariantCulture);

    public static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("N1", CultureInfo.InvariantCulture) + " s";

    /// <summary>A coarse duration: 8 s, 1 min 05 s, 2 h 10 min.</summary>
    public static string Duration(TimeSpan time)
    {
        long seconds = (long)Math.Ceiling(Math.Min(time.TotalSeconds, 360_000_000));
        return seconds < 100 ? $"{seconds} s"
            : seconds < 3600 ? $"{seconds / 60} min {seconds % 60:00} s"
            : $"{seconds / 3600} h {seconds / 60 % 60:00} min";
    }

    public static string Bytes(long bytes) =>
        bytes < 1000 ? $"{bytes} B"
        : bytes < 1_000_000 ? Scaled(bytes, 1e3, "kB")
        : bytes < 1_000_000_000 ? Scaled(bytes, 1e6, "MB")
        : Scaled(bytes, 1e9, "GB");

    private static string Scaled(long bytes, double unit, string name) =>
        (bytes / unit).ToString("F1", CultureInfo.InvariantCulture) + " " + name;
}
