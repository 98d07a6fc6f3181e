using System.Text.Json;
using Xunit;

namespace GpuDistill.GpuTimings.Tests;

public sealed class TimingRunTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"gpudistill-timings-{Guid.NewGuid():N}.json");
    private readonly StringWriter _output = new();

    public void Dispose()
    {
        File.Delete(_path);
        _output.Dispose();
    }

    [Fact]
    public void The_file_is_whole_after_every_work()
    {
        int done = 0;
        Work Next(string name) => new(new Timing("loss", name, "float32"), timing =>
        {
            // What the works before left, read while this one is under way.
            Assert.Equal(done, File.Exists(_path) ? Read().GetArrayLength() : 0);
            done++;
            return timing.With(new Measured(1e-6, 2e-6, 3));
        });
        Assert.Equal((0, 3), TimingRun.Of([Next("a"), Next("b"), Next("c")], "a device", new TimingFile(_path), _output));
        JsonElement last = Read()[2];
        Assert.Equal("c", last.GetProperty("work").GetString());
        Assert.Equal("a device", last.GetProperty("device").GetString());
        Assert.Equal(1, last.GetProperty("oursUs").GetDouble(), 9);
        Assert.Equal(2, last.GetProperty("hostUs").GetDouble(), 9);
        Assert.False(last.TryGetProperty("failure", out _));
        Assert.False(File.Exists(_path + ".new"));
    }

    [Fact]
    public void What_fails_is_an_entry_with_its_shape_and_reason_and_the_next_is_timed()
    {
        Work wrong = new(new Timing("loss", "a", "float32") { Rows = 5 }, _ => throw new InvalidOperationException("gradient 3 is 1,\nnot 2"));
        Work right = new(new Timing("loss", "b", "float32"), timing => timing.With(new Measured(1, 1, 1)));
        Assert.Equal((1, 2), TimingRun.Of([wrong, right], "a device", new TimingFile(_path), _output));
        JsonElement entry = Read()[0];
        Assert.Equal("InvalidOperationException: gradient 3 is 1, not 2", entry.GetProperty("failure").GetString());
        Assert.Equal(5, entry.GetProperty("rows").GetInt32());
        Assert.False(entry.TryGetProperty("oursUs", out _));
        Assert.True(Read()[1].TryGetProperty("oursUs", out _));
        Assert.Contains("a float32: FAILED: InvalidOperationException", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_later_run_replaces_its_own_work_and_keeps_the_rest()
    {
        new TimingFile(_path).Add(new Timing("loss", "a", "float32") { Failure = "old" });
        new TimingFile(_path).Add(new Timing("loss", "a", "bfloat16"));
        TimingFile file = new(_path);
        file.Add(new Timing("loss", "a", "float32").With(new Measured(1, 1, 1)));
        Assert.Equal(["bfloat16", "float32"], file.Timings.Select(timing => timing.Dtype));
        Assert.Null(new TimingFile(_path).Timings[1].Failure);
    }

    [Fact]
    public void After_a_failure_that_takes_the_device_nothing_more_is_tried()
    {
        Work Fails(string name) => new(new Timing("loss", name, "float32"), _ => throw new InvalidOperationException(name));
        int asked = 0;
        Assert.Equal((2, 2), TimingRun.Of(
            [Fails("a"), Fails("b"), Fails("c")], "a device", new TimingFile(_path), _output, () => ++asked == 2));
        Assert.Equal(2, Read().GetArrayLength());
    }

    private JsonElement Read() => JsonDocument.Parse(File.ReadAllText(_path)).RootElement;
}
