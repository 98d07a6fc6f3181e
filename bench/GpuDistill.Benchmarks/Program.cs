using BenchmarkDotNet.Running;
using GpuDistill.Benchmarks.Running;

// Without a selection BenchmarkDotNet asks for one; --filter '*' takes all, --inprocess needs no SDK, --job short is quick.
string[]? rest = BenchmarkSettings.Take(args);
if (rest is null)
    return 2;
BenchmarkSwitcher.FromAssembly(typeof(BenchmarkSettings).Assembly).Run(rest, new OperationConfig());
return 0;
