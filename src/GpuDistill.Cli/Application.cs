using System.CommandLine;
using System.Diagnostics.CodeAnalysis;

namespace GpuDistill.Cli;

/// <summary>The command from arguments to exit code; the process's own streams and signals come in from outside.</summary>
internal static class Application
{
    public const string Name = "gpudistill";

    // The last barrier before the user: whatever was thrown becomes one line and an exit code.
    [SuppressMessage("Design", "CA1031", Justification = "A user gets a line and an exit code, not a stack trace.")]
    public static int Run(IReadOnlyList<string> args, Terminal terminal, CancellationToken cancellation)
    {
        Session session = new(terminal, args, cancellation);
        ParseResult parsed = CreateRoot(session).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (MissingValue(parsed, args) is { } missing)
        {
            terminal.Error.WriteLine($"error: {missing} See {Path(parsed)} --help.");
            return ExitCode.BadInput;
        }

        if (parsed.Errors.Count > 0 && parsed.Action is not HelpText)
        {
            terminal.Error.WriteLine($"error: {parsed.Errors[0].Message.ReplaceLineEndings(" ")} See {Path(parsed)} --help.");
            return ExitCode.BadInput;
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration
            {
                Output = terminal.Out,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null, // signals are InterruptSignal's
            });
        }
        catch (Exception exception)
        {
            Failure failure = Failure.Of(exception);
            terminal.Error.WriteLine(failure.Code == ExitCode.Interrupted ? failure.Line : $"error: {failure.Line}");
            if (failure.Code != ExitCode.Interrupted && Environment.GetEnvironmentVariable(Failure.TraceVariable) == "1")
                terminal.Error.WriteLine(exception);
            return failure.Code;
        }
    }

    // The parser takes the next option for the value, and then stumbles over what follows that.
    private static string? MissingValue(ParseResult parsed, IReadOnlyList<string> args)
    {
        for (int i = 0; i < args.Count; i++)
        {
            bool takesValue = parsed.CommandResult.Command.Options.Any(option => option.Name == args[i] && option.Arity.MinimumNumberOfValues > 0);
            string? next = i + 1 < args.Count ? args[i + 1] : null;
            if (takesValue && (next is null || next.StartsWith("--", StringComparison.Ordinal)))
                return $"{args[i]} needs a value; {(next is null ? "nothing" : $"'{next}'")} follows it.";
        }

        return null;
    }

    private static RootCommand CreateRoot(Session session)
    {
        RootCommand root = new("Knowledge distillation on CUDA, OpenCL and the CPU: a small student learns from a large teacher.")
        {
            DemoCommand.Create(session),
            DevicesCommand.Create(session),
            TrainCommand.Create(session),
            LogitsCommand.Create(session),
            DistillCommand.Create(session),
            EvaluateCommand.Create(session),
            ExperimentCommand.Create(session),
        };
        HelpText.InstallOn(root);
        return root;
    }

    private static string Path(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand ? Name : $"{Name} {parsed.CommandResult.Command.Name}";
}
