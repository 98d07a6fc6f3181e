namespace GpuDistill.Cli;

/// <summary>What the process says of itself when it ends.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>Failed at run time: a device, a disk, a training that diverged.</summary>
    public const int Failed = 1;

    /// <summary>Bad arguments or bad input.</summary>
    public const int BadInput = 2;

    /// <summary>Interrupted by Ctrl-C, SIGTERM or SIGHUP.</summary>
    public const int Interrupted = 130;
}
