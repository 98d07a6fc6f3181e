using System.Runtime.InteropServices;
using System.Text;

namespace GpuDistill.Cli;

/// <summary>
/// Ctrl-C, SIGTERM and SIGHUP (a terminal that was closed) as a cancellation token: the first lets the current step finish and what was trained be kept, a second
/// one, but for SIGHUP, ends the process at once, and says so.
/// </summary>
internal sealed class InterruptSignal : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public InterruptSignal() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, Handle),
    ];

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        // A terminal that closes hangs up more than once: the system does, and the shell does.
        if (_source.IsCancellationRequested && context.Signal != PosixSignal.SIGHUP)
        {
            // The live display hides the cursor and would leave it so.
            if (!Console.IsOutputRedirected || !Console.IsErrorRedirected)
                Console.CursorVisible = true;
            TellStopped();
            Environment.Exit(ExitCode.Interrupted);
        }

        _source.Cancel();
    }

    // Past Console, whose lock another thread may hold in a write that does not end, and no longer than a terminal that is held up lets it.
    private static void TellStopped()
    {
        Task writing = Task.Run(() =>
        {
            using Stream error = Console.OpenStandardError();
            error.Write(Encoding.UTF8.GetBytes($"Stopped without saving.{Environment.NewLine}"));
        });
        Task.WaitAny([writing], TimeSpan.FromSeconds(1));
    }
}
