using GpuDistill.Cli;

using InterruptSignal interrupt = new();
TerminalWriter.Install();
return Application.Run(args, Terminal.OfProcess(), interrupt.Token);
