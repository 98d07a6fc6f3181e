using System.Diagnostics;
using Xunit;

namespace GpuDistill.GpuTimings.Tests;

/// <summary>The bundle's script, with stand-ins for its programs, for python3 and for the machine's tools.</summary>
public sealed class BundleScriptTests : IDisposable
{
    private const string Said = "echo \"$(basename \"$0\") $*\" >> \"$CALLS\"";

    private readonly string _folder = Directory.CreateTempSubdirectory("gpudistill-bundle-").FullName;

    public BundleScriptTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the bundle is for Linux");
        Directory.CreateDirectory(Path.Combine(_folder, "programs"));
        Directory.CreateDirectory(Path.Combine(_folder, "bin"));
        File.Copy(Path.Combine(AppContext.BaseDirectory, "run-bundle"), Path.Combine(_folder, "run"));
        Program("programs/GpuDistill.Kernels.Tests", Said);
        Program("programs/GpuDistill.GpuTimings", $"{Said}; echo '[]' > \"$3\"");
        Program("bin/nvidia-smi", "echo a card");
        Program("bin/python3", Said);
    }

    private string Calls => File.ReadAllText(Path.Combine(_folder, "calls"));

    private string Summary => File.ReadAllText(Path.Combine(_folder, "results", "summary.txt"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Without_arguments_targets_come_first_each_with_its_peer_and_tests_last()
    {
        Assert.Equal(0, Run());
        string[] calls = [.. Calls.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Replace($"{_folder}/", "", StringComparison.Ordinal))];
        Assert.StartsWith("python3 -c import importlib.util", calls[0], StringComparison.Ordinal);
        Assert.Equal("GpuDistill.GpuTimings loss --json results/ours.json --filter ", calls[1]);
        Assert.Equal("python3 programs/peer.py results/ours.json results/side-by-side.json loss --filter ", calls[2]);
        Assert.Equal(["step", "product", "dense"], calls[3..9].Where((_, i) => i % 2 == 0).Select(call => call.Split(' ')[1]));
        Assert.StartsWith("GpuDistill.Kernels.Tests ", calls[^1], StringComparison.Ordinal);
        Assert.Contains("-parallelMode none", calls[^1], StringComparison.Ordinal);
        Assert.Equal(10, calls.Length);
        Assert.Contains("a card", File.ReadAllText(Path.Combine(_folder, "results", "gpu.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public void What_fails_costs_nothing_else_and_is_said_at_the_end()
    {
        Program("programs/GpuDistill.Kernels.Tests", $"{Said}; echo a test failed; exit 3");
        Program("programs/GpuDistill.GpuTimings", $"{Said}; echo '[]' > \"$3\"; [ \"$1\" != step ]");
        Program("bin/nvidia-smi", "exit 9");
        Assert.Equal(1, Run("tests", "step", "dense"));
        Assert.Contains("tests: FAILED: exit code 3, ", Summary, StringComparison.Ordinal);
        Assert.Contains("step: FAILED: exit code 1, ", Summary, StringComparison.Ordinal);
        Assert.Contains("step in PyTorch: passed, ", Summary, StringComparison.Ordinal);
        Assert.Contains("dense: passed, ", Summary, StringComparison.Ordinal);
        Assert.Contains("a test failed", File.ReadAllText(Path.Combine(_folder, "results", "tests.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public void Tests_that_fail_are_run_again_class_by_class()
    {
        Program("programs/GpuDistill.Kernels.Tests", $$"""
            {{Said}}
            case "$*" in
                *"-list classes") printf '%s\n' "a header" GpuDistill.Kernels.Tests.Good GpuDistill.Kernels.Tests.Bad ;;
                *"-class GpuDistill.Kernels.Tests.Good") exit 0 ;;
                *) exit 1 ;;
            esac
            """);
        Assert.Equal(1, Run("tests"));
        Assert.Contains("tests: FAILED: exit code 1, ", Summary, StringComparison.Ordinal);
        Assert.Contains("tests of GpuDistill.Kernels.Tests.Good: passed, ", Summary, StringComparison.Ordinal);
        Assert.Contains("tests of GpuDistill.Kernels.Tests.Bad: FAILED: exit code 1, ", Summary, StringComparison.Ordinal);
        Assert.Equal(4, Calls.Split('\n').Count(line => line.StartsWith("GpuDistill.Kernels.Tests ", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_dry_run_is_one_of_all_programs()
    {
        Assert.Equal(0, Run("loss", "--dry-run"));
        Assert.Contains("loss --json", Calls, StringComparison.Ordinal);
        Assert.Contains("--filter  --dry-run cuda\n", Calls, StringComparison.Ordinal);
        Assert.Contains("loss --filter  --dry-run\n", Calls, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_hangs_is_stopped_and_the_next_one_runs()
    {
        Program("programs/GpuDistill.GpuTimings", $"{Said}; echo '[]' > \"$3\"; [ \"$1\" != loss ] || sleep 60");
        Assert.Equal(1, Run("loss", "dense", "--limit", "1", "--no-peer"));
        Assert.Contains("loss: FAILED: stopped after 1 s, ", Summary, StringComparison.Ordinal);
        Assert.Contains("dense: passed, ", Summary, StringComparison.Ordinal);
        Assert.DoesNotContain("python3", Calls, StringComparison.Ordinal);
    }

    [Fact]
    public void Neither_tools_nor_PyTorch_are_needed()
    {
        Program("bin/python3", $"{Said}; exit 1");
        Program("bin/nvidia-smi", "exit 127");
        Assert.Equal(0, Run("loss", "--filter", "1000 x", "--results", Path.Combine(_folder, "elsewhere")));
        Assert.Contains("--filter 1000 x", Calls, StringComparison.Ordinal);
        Assert.DoesNotContain("peer.py", Calls, StringComparison.Ordinal);
        Assert.Contains(
            "PyTorch is not installed: no peer is timed.", File.ReadAllText(Path.Combine(_folder, "elsewhere", "summary.txt")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("losses")]
    [InlineData("--filter")]
    [InlineData("--limit", "soon")]
    public void Bad_arguments_are_refused_before_anything_runs(params string[] arguments)
    {
        Assert.Equal(2, Run(arguments));
        Assert.False(File.Exists(Path.Combine(_folder, "calls")));
    }

    private void Program(string path, string body)
    {
        string file = Path.Combine(_folder, path);
        File.WriteAllText(file, $"#!/bin/bash\n{body}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private int Run(params string[] arguments)
    {
        ProcessStartInfo start = new("bash", [Path.Combine(_folder, "run"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{_folder}/bin:/usr/bin:/bin"; // neither /sbin nor /usr/sbin
        start.Environment["CALLS"] = Path.Combine(_folder, "calls");
        using Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.WaitForExit();
        return process.ExitCode;
    }
}
