using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>The command as a process of its own: exit codes and signals.</summary>
public sealed partial class ProcessTests : IDisposable
{
    private const int HangUp = 1;
    private const int Interrupt = 2;
    private const int Killed = 9;
    private const int Terminate = 15;

    // Of TinyMnist in batches of 50.
    private const int StepsPerEpoch = 6;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("devices --device cpu --json", ExitCode.Done)]
    [InlineData("train --output", ExitCode.BadInput)]
    public async Task Ends_with_its_exit_code(string arguments, int code)
    {
        using Process process = Start(arguments.Split(' '));
        string error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(code, process.ExitCode);
        Assert.Equal(code == ExitCode.Done ? 0 : 1, error.Count(c => c == '\n'));
    }

    [Theory]
    [InlineData(Interrupt)]
    [InlineData(Terminate)]
    [InlineData(HangUp)]
    public async Task Interrupted_it_keeps_what_was_trained_and_can_go_on(int signal)
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("signals are sent the Unix way");
        if (Ignores(signal))
            Assert.Skip("this process ignores the signal, as a job in the background may, and so would its child");
        TinyMnist.Write(_directory["data"]);
        string[] arguments =
        // No cosine: its curve depends on the number of epochs, so that a checkpoint holds for that number alone.
        [
            "train", "--data", _directory["data"], "--device", "cpu", "--layers", "784-10", "--batch", "50", "--decay", "none",
            "--output", _directory["out"],
        ];
        using Process process = Start([.. arguments, "--epochs", "10000000"]);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string? line = "";
        while (line is not null && !line.Contains("epoch ", StringComparison.Ordinal))
            line = await process.StandardOutput.ReadLineAsync(cancellation);
        Assert.True(Kill(process.Id, signal) == 0);
        if (signal == HangUp)
            _ = Kill(process.Id, signal); // as a shell adds its own to the system's
        string error = await process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);

        Assert.Equal(ExitCode.Interrupted, process.ExitCode);
        Assert.Contains("Interrupted after step ", error);
        Assert.Matches(@"Go on with: dotnet \S*GpuDistill\.Cli\.dll train ", error);
        Assert.Contains($"--resume {_directory["out/checkpoint.safetensors"]}", error);
        Assert.True(File.Exists(_directory["out/model.unfinished.safetensors"]));
        Assert.False(File.Exists(_directory["out/model.safetensors"]));
        Assert.Empty(Directory.GetFiles(_directory["out"], "*.tmp"));

        string refusal = CliRunner.Refused([.. arguments, "--jitter", "1", "--rate", "0.01", "--resume", _directory["out"]]);
        Assert.Contains("another training: ", refusal);
        Assert.Contains("--rate was 0.05, is 0.01; --jitter was 0, is 1", refusal);

        // Few enough epochs to be done soon: one more than were done, at 6 steps each.
        string word = error.Split("after step ")[1].Split(' ')[0].Replace(",", "", StringComparison.Ordinal);
        long epochs = (long.Parse(word) / 6) + 1;
        CliRunner.Succeeds([.. arguments, "--epochs", $"{epochs}", "--resume", _directory["out"]]);
        Assert.Equal(["model.safetensors", "result.json"], Directory.GetFiles(_directory["out"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Interrupted_a_second_time_it_stops_at_once_and_says_that_nothing_is_saved()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("signals are sent the Unix way");
        if (Ignores(Interrupt))
            Assert.Skip("this process ignores the signal, as a job in the background may, and so would its child");
        TinyMnist.Write(_directory["data"]);
        // Steps so long that the second signal comes during one.
        using Process process = Start(
            "train", "--data", _directory["data"], "--device", "cpu", "--layers", "784-6000-6000-10", "--batch", "300", "--epochs", "1000",
            "--output", _directory["out"]);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string? line = "";
        while (line is not null && !line.Contains("epoch ", StringComparison.Ordinal))
            line = await process.StandardOutput.ReadLineAsync(cancellation);
        Assert.True(Kill(process.Id, Interrupt) == 0);
        await Task.Delay(50, cancellation);
        Assert.True(Kill(process.Id, Interrupt) == 0);
        string error = await process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        Assert.Equal(ExitCode.Interrupted, process.ExitCode);
        Assert.Equal("Stopped without saving.", error.TrimEnd());
    }

    [Fact]
    public async Task Killed_it_has_left_a_checkpoint_that_it_can_go_on_from()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("signals are sent the Unix way");
        TinyMnist.Write(_directory["data"]);
        string[] arguments =
        [
            "train", "--data", _directory["data"], "--device", "cpu", "--layers", "784-10", "--batch", "50", "--decay", "none",
            "--checkpoint-minutes", "0.001", "--output", _directory["out"],
        ];
        using Process process = Start([.. arguments, "--epochs", "10000000"]);
        while (StepOf(_directory["out/checkpoint.safetensors"]) <= StepsPerEpoch)
            await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.True(Kill(process.Id, Killed) == 0);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Contains($"checkpoint.safetensors of an unfinished run is there; go on with --resume {_directory["out"]}", CliRunner.Refused(arguments));
        string steps = CliRunner.Refused([.. arguments, "--epochs", "1", "--resume", _directory["out"]]);
        long step = long.Parse(steps.Split("it stands at step ")[1].Split(';')[0]);
        CliRunner.Succeeds([.. arguments, "--epochs", $"{(step / StepsPerEpoch) + 2}", "--resume", _directory["out"]]);
        Assert.Equal(["model.safetensors", "result.json"], Directory.GetFiles(_directory["out"]).Select(Path.GetFileName).Order());
    }

    // Of a checkpoint, which is there whole or not at all; 0 where it is not.
    private static long StepOf(string checkpoint)
    {
        if (!File.Exists(checkpoint))
            return 0;
        string header = Encoding.UTF8.GetString(File.ReadAllBytes(checkpoint));
        return long.Parse(header.Split("\"gpudistill.step\":\"")[1].Split('"')[0]);
    }

    // A child inherits what is ignored.
    private static bool Ignores(int signal)
    {
        const string Status = "/proc/self/status";
        string? ignored = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) : null;
        return ignored is not null && (Convert.ToUInt64(ignored[7..].Trim(), 16) & (1UL << (signal - 1))) != 0;
    }

    private static Process Start(params string[] arguments)
    {
        // The runtime lies in DOTNET/shared/Microsoft.NETCore.App/VERSION.
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string dotnet = Path.Combine(runtime, "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        ProcessStartInfo start = new(dotnet) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "GpuDistill.Cli.dll"));
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
