using GpuDistill.Cli;

using InterruptSignal interrupt = new();
return Application.Run(args, Terminal.OfProcess(), interrupt.Token);
