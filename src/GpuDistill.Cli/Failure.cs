using GpuDistill.Kernels;

namespace GpuDistill.Cli;

/// <summary>The one place where exceptions become an exit code and a line.</summary>
internal sealed record Failure(int Code, string Line)
{
    /// <summary>Set to 1, it prints the stack trace of a failure too: for bug reports.</summary>
    public const string TraceVariable = "GPUDISTILL_TRACE";

    public static Failure Of(Exception exception) => exception switch
    {
        InputException or DatasetException or ModelFileException or DeviceNotFoundException or NotSupportedException =>
            new(ExitCode.BadInput, OneLine(exception.Message)),
        InvalidRowException { Reason: InvalidRowReason.StudentLogits or InvalidRowReason.InfiniteSoftLoss or InvalidRowReason.InfiniteHardLoss } row => new(
            ExitCode.Failed, $"{OneLine(row.Message)} The training diverged; try a lower --rate or a longer --warmup."),
        InvalidRowException row => new(ExitCode.BadInput, OneLine(row.Message)),
        ArgumentException argument => new(ExitCode.BadInput, OneLine(argument.Message)),
        OperationCanceledException => new(ExitCode.Interrupted, "Interrupted; nothing was written."),
        IOException or UnauthorizedAccessException => new(ExitCode.Failed, OneLine(exception.Message)),
        OutOfMemoryException => new(ExitCode.Failed, "There is not enough memory; try a smaller network or a smaller --batch."),
        InvalidOperationException => new(ExitCode.Failed, OneLine(exception.Message)),
        _ => new(ExitCode.Failed, $"{exception.GetType().Name}: {OneLine(exception.Message)}"),
    };

    // ArgumentException adds the parameter's name and, on a line of its own, the value: the caller's words, not the user's.
    private static string OneLine(string message)
    {
        int parameter = message.IndexOf(" (Parameter '", StringComparison.Ordinal);
        string text = parameter >= 0 ? message[..parameter] : message;
        return text.ReplaceLineEndings(" ").Trim();
    }
}
