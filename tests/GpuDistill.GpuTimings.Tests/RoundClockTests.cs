using System.Diagnostics;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using Xunit;

namespace GpuDistill.GpuTimings.Tests;

/// <summary>On the CPU accelerator, where a run is done when it is submitted.</summary>
public sealed class RoundClockTests : IDisposable
{
    private readonly Context _context = Context.Create(builder => builder.CPU(new CPUDevice(2, 1, 1)).Profiling());
    private readonly Accelerator _accelerator;

    public RoundClockTests() => _accelerator = _context.CreateCPUAccelerator(0);

    private AcceleratorStream Stream => _accelerator.DefaultStream;

    public void Dispose()
    {
        _accelerator.Dispose();
        _context.Dispose();
    }

    [Fact]
    public void Short_work_is_repeated_until_a_round_is_two_milliseconds_and_reported_per_run()
    {
        const double Wait = 50e-6;
        Measured measured = new EventClock(Stream).Measure(() => Spin(Wait));
        // 2 ms are 40 such waits, fewer where the machine was held up while runs were counted; the next power of two is taken.
        Assert.InRange(measured.RunsPerRound, 2, 64);
        Assert.InRange(measured.Seconds, Wait, 20 * Wait);
        Assert.InRange(measured.HostSeconds, Wait, 20 * Wait);
    }

    [Fact]
    public void Long_work_is_timed_once_a_round()
    {
        const double Wait = 2.5e-3;
        Measured measured = new EventClock(Stream).Measure(() => Spin(Wait));
        Assert.Equal(1, measured.RunsPerRound);
        Assert.InRange(measured.Seconds, Wait, 20 * Wait);
    }

    [Fact]
    public void The_wall_clock_takes_longer_rounds()
    {
        const double Wait = 1e-3;
        Measured measured = new WallClock(Stream).Measure(() => Spin(Wait));
        Assert.InRange(measured.RunsPerRound, 2, 32);
        Assert.InRange(measured.Seconds, Wait, 20 * Wait);
    }

    [Fact]
    public void Sets_of_buffers_are_more_than_caches_hold_and_bounded()
    {
        Assert.Equal(1, DeviceBuffers.Sets(1e10));
        int sets = DeviceBuffers.Sets(3.3e6);
        Assert.InRange(sets * 3.3e6, 500e6, 600e6);
        Assert.Equal(256, DeviceBuffers.Sets(10));
    }

    private static void Spin(double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
            Thread.SpinWait(10);
    }
}
